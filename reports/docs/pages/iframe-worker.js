/* Pages that are read from the disk may start no worker, and the theme searches in one. There it is a hidden frame. */
class IFrameWorker extends EventTarget {
  constructor(url) {
    super();
    this.frame = document.createElement("iframe");
    this.frame.hidden = true;
    this.frame.srcdoc = `<script>
      window.postMessage = data => frameElement.dispatchEvent(new MessageEvent("message", { data }));
    </script><script src="${url}"></script>`;
    this.frame.addEventListener("message", ({ data }) => this.dispatchEvent(new MessageEvent("message", { data })));
    this.loaded = new Promise(loaded => this.frame.addEventListener("load", loaded));
    document.body.append(this.frame);
  }

  async postMessage(data) {
    await this.loaded;
    this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
  }
}

if (location.protocol === "file:") {
  Object.assign(window, { IFrameWorker, Worker: IFrameWorker }); // the theme's worker asks for the first
}
