"""CLINC150: what people ask an assistant, 150 intents in ten domains."""

import json
from pathlib import Path
from typing import Literal

import torch
from pydantic import PositiveInt

from harness.core.errors import DataError
from harness.core.outputs import LABELS
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.download import PublishedFile, fetch
from harness.data.task_preprocessing import TaskPreprocessing
from harness.data.tokenizer import Tokenizer

__all__ = ["DOMAINS", "Clinc150", "classes_of_domains"]

FILE = PublishedFile(
    url="https://raw.githubusercontent.com/clinc/oos-eval/master/data/data_full.json",
    sha256="36923c3705a59e08fe9c3883d8bc2dd966ef93e22cb78ac41171782a698d56e0",
    folder="clinc150",
)
PARTS = {"train": "train", "validation": "val", "test": "test"}
# The intents of each domain, as the publisher groups them.
WORDS = {
    "banking": (
        "account_blocked balance bill_balance bill_due freeze_account interest_rate min_payment order_checks "
        "pay_bill pin_change report_fraud routing spending_history transactions transfer"
    ),
    "credit cards": (
        "application_status apr card_declined credit_limit credit_limit_change credit_score damaged_card "
        "expiration_date improve_credit_score international_fees new_card redeem_rewards "
        "replacement_card_duration report_lost_card rewards_balance"
    ),
    "kitchen and dining": (
        "accept_reservations calories cancel_reservation confirm_reservation cook_time food_last how_busy "
        "ingredient_substitution ingredients_list meal_suggestion nutrition_info recipe "
        "restaurant_reservation restaurant_reviews restaurant_suggestion"
    ),
    "home": (
        "calendar calendar_update next_song order order_status play_music reminder reminder_update "
        "shopping_list shopping_list_update smart_home todo_list todo_list_update update_playlist what_song"
    ),
    "auto and commute": (
        "current_location directions distance gas gas_type jump_start last_maintenance mpg oil_change_how "
        "oil_change_when schedule_maintenance tire_change tire_pressure traffic uber"
    ),
    "travel": (
        "book_flight book_hotel car_rental carry_on exchange_rate flight_status international_visa "
        "lost_luggage plug_type timezone translate travel_alert travel_notification travel_suggestion "
        "vaccines"
    ),
    "utility": (
        "alarm calculator date definition find_phone flip_coin make_call measurement_conversion roll_dice "
        "share_location spelling text time timer weather"
    ),
    "work": (
        "direct_deposit income insurance insurance_change meeting_schedule next_holiday payday pto_balance "
        "pto_request pto_request_status pto_used rollover_401k schedule_meeting taxes w2"
    ),
    "small talk": (
        "are_you_a_bot do_you_have_pets fun_fact goodbye greeting how_old_are_you meaning_of_life tell_joke "
        "thank_you what_are_your_hobbies what_can_i_ask_you what_is_your_name where_are_you_from "
        "who_do_you_work_for who_made_you"
    ),
    "meta": (
        "cancel change_accent change_ai_name change_language change_speed change_user_name change_volume "
        "maybe no repeat reset_settings sync_device user_name whisper_mode yes"
    ),
}
DOMAINS = {domain: tuple(words.split()) for domain, words in WORDS.items()}
NUMBERS = {intent: number for number, intent in enumerate(sum(DOMAINS.values(), ()))}
INTENTS = 15  # of each domain


class Clinc150(AbstractTask):
    """Inputs `input_ids` and `attention_mask`; the classes 15 d to 15 d + 14 are the intents of the domain d.

    The publisher's parts are kept: 100 questions of each intent train, 20 validate, 30 test. Questions out of scope are
    left out. The domain of each question is a target, `domain`.

    Source: Larson et al. (2019), An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction, EMNLP;
    CC BY 3.0.

    Attributes:
        tokenizer: that of the network.
        per_intent: training questions of each intent that are kept, the first ones; all by default.
    """

    kind: Literal["clinc150"] = "clinc150"
    tokenizer: Tokenizer = Tokenizer(length=24)
    per_intent: PositiveInt = 100

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        path = fetch(FILE, folder)
        content = _read(path)
        parts = {name: self._split(content[own], path) for name, own in PARTS.items()}
        train = parts["train"]
        kept = [(train.labels == label).nonzero().squeeze(1)[: self.per_intent] for label in range(len(NUMBERS))]
        return TaskData(train.take(torch.cat(kept).sort().values), parts["validation"], parts["test"], self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:  # noqa: ARG002  # only names are needed
        """Return how questions become inputs. Raises `DataError`."""
        names = {LABELS: tuple(NUMBERS), "domain": tuple(DOMAINS)}
        return TaskPreprocessing(self.tokenizer.preprocessing, label="intent", class_names=names)

    def _split(self, rows: list[list[str]], path: Path) -> Split:
        unknown = next((intent for _, intent in rows if intent not in NUMBERS), None)
        if unknown is not None:
            raise DataError(f"expected intents of a domain in {path}, found {unknown!r}; replace the file")
        labels = torch.tensor([NUMBERS[intent] for _, intent in rows])
        inputs = self.tokenizer.encode([text for text, _ in rows])
        return Split(inputs, labels, {"domain": labels // INTENTS})


def classes_of_domains() -> dict[str, tuple[int, ...]]:
    """Return the classes of each domain, as `classes` of the task wants them.

    >>> list(classes_of_domains()["credit cards"])[:3]
    [15, 16, 17]
    """
    return {domain: tuple(NUMBERS[intent] for intent in intents) for domain, intents in DOMAINS.items()}


def _read(path: Path) -> dict[str, list[list[str]]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or set(PARTS.values()) - content.keys():
        raise DataError(f"expected the parts {list(PARTS.values())} in {path}, found others; replace the file")
    return content
