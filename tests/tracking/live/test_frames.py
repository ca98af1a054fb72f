from hypothesis import given
from hypothesis import strategies as st

from harness.tracking.live.frames import frame, whole_frames


@given(contents=st.lists(st.binary(max_size=40), max_size=5), data=st.data())
def test_a_file_cut_anywhere_gives_all_frames_before_the_cut(contents: list[bytes], data: st.DataObject) -> None:
    frames = [frame(content) for content in contents]
    cut = data.draw(st.integers(0, len(b"".join(frames))))

    frames_read = list(whole_frames(b"".join(frames)[:cut]))

    ends = [len(b"".join(frames[: count + 1])) for count in range(len(frames))]
    assert frames_read == [(content, end) for content, end in zip(contents, ends, strict=True) if end <= cut]


@given(contents=st.lists(st.binary(min_size=1, max_size=20), min_size=2, max_size=4), data=st.data())
def test_a_flipped_bit_ends_the_frames_there(contents: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(frame(content) for content in contents))
    first = len(frame(contents[0]))
    place = data.draw(st.integers(first, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))

    contents_read = [content for content, _ in whole_frames(bytes(whole))]

    assert contents_read == contents[: len(contents_read)]
    assert 1 <= len(contents_read) < len(contents)
