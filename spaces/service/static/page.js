"use strict";
// Sends a judgment, shows how far it is, and shows the report. The report stands in a frame that
// may do nothing but light its own spans; what this page adds is text, never markup.
(() => {
  const at = (id) => document.getElementById(id);
  const maxBytes = Number(document.body.dataset.maxBytes);
  const maxCharacters = Number(document.body.dataset.maxCharacters);
  const text = at("text");
  let sent = null; // the request that is under way
  let clock = 0;
  let result = null; // the last line of its answer, and the document's name

  function show(name) {
    for (const each of ["ask", "progress", "result"]) at(each).hidden = each !== name;
    document.body.classList.toggle("reading", name === "result");
  }

  function fail(message) {
    stop();
    show("ask");
    at("error").textContent = message;
    text.focus();
  }

  function stop() {
    clearInterval(clock);
    const old = sent;
    sent = null;
    if (old) old.abort();
  }

  function tell(words) {
    if (at("state").textContent !== words) at("state").textContent = words;
  }

  function start(data, name) {
    stop();
    at("error").textContent = "";
    if (data.size > maxBytes) {
      return fail(
        `${name}: expected at most ${maxBytes / 1e6} MB, got ${Math.ceil(data.size / 1e6)} MB; ` +
          "a judgment is far smaller: give it alone, without its pictures.",
      );
    }
    const request = new XMLHttpRequest();
    sent = request;
    let read = 0;
    const begin = Date.now();
    at("working").textContent = name;
    at("seconds").textContent = "";
    at("bar").removeAttribute("value");
    tell("Sending the document…");
    show("progress");
    at("cancel").focus();
    clock = setInterval(() => {
      at("seconds").textContent = `${Math.round((Date.now() - begin) / 1000)} s`;
    }, 1000);

    request.open("POST", "v1/reports");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-Document-Name", encodeURIComponent(name.toWellFormed?.() ?? name));
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) at("bar").value = event.loaded / event.total;
    });
    request.upload.addEventListener("load", () => at("bar").removeAttribute("value"));
    const follow = () => {
      if (request !== sent || request.status !== 200) return;
      for (;;) {
        const end = request.responseText.indexOf("\n", read);
        if (end < 0) return;
        take(JSON.parse(request.responseText.slice(read, end)), name);
        read = end + 1;
      }
    };
    request.addEventListener("progress", follow);
    request.addEventListener("load", () => {
      follow();
      if (request === sent) fail(refusal(request));
    });
    request.addEventListener("error", () => {
      if (request === sent) fail("The service does not answer. Is it running?");
    });
    request.send(data);
  }

  // Why there is no summary, in words.
  function refusal(request) {
    let message = "";
    try {
      message = JSON.parse(request.responseText).error;
    } catch {
      // what stands between this page and the service may answer in its own way
    }
    if (request.status === 200) return "The answer ended too early; try again.";
    return message || `The service answered with status ${request.status}.`;
  }

  function take(line, name) {
    if (line.state === "reading") tell("Reading the document…");
    else if (line.state === "waiting") {
      const others = line.ahead === 1 ? "1 judgment is" : `${line.ahead} judgments are`;
      tell(line.ahead ? `Waiting: ${others} before this one…` : "Waiting: this one is next…");
    } else if (line.state === "summarizing") tell("Summarizing…");
    else if (line.state === "failed") fail(line.error);
    else if (line.state === "done") finish(line, name);
  }

  function finish(line, name) {
    clearInterval(clock);
    sent = null;
    result = { ...line, name };
    at("said").textContent = "";
    at("copy").disabled = !line.record.summary;
    show("result");
    fillFrame(line.report);
    at("made").focus();
  }

  // A new frame each time, put in where it shows: one that was hidden stays blank in Chromium.
  function fillFrame(html) {
    const frame = at("report").cloneNode();
    if (html) frame.srcdoc = html;
    else frame.removeAttribute("srcdoc");
    at("report").replaceWith(frame);
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(result.record.summary);
    } catch {
      // there is no clipboard where the page did not come safely, by http from another machine
      const area = document.createElement("textarea");
      area.value = result.record.summary;
      document.body.append(area);
      area.select();
      const copied = document.execCommand("copy");
      area.remove();
      at("copy").focus();
      if (!copied) return (at("said").textContent = "Copying is not allowed; select the text.");
    }
    at("said").textContent = "Copied.";
  }

  function save(content, type, suffix) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = `${result.name.replace(/\.[^.]*$/, "")}.summary${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    at("said").textContent = "Saved.";
  }

  function startFiles(files) {
    if (files.length === 1) start(files[0], files[0].name);
    else fail(`Expected one document at a time, got ${files.length}.`);
  }

  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    const characters = [...text.value].length;
    if (!text.value.trim()) return fail("There is nothing to summarize: paste a judgment first.");
    if (characters > maxCharacters) {
      return fail(
        `Expected at most ${maxCharacters.toLocaleString("en")} characters, got ` +
          `${characters.toLocaleString("en")}.`,
      );
    }
    start(new Blob([text.value]), "Pasted text");
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
  });
  text.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length || event.clipboardData.getData("text")) return;
    event.preventDefault();
    startFiles(event.clipboardData.files);
  });
  at("choose").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => {
    const files = [...at("file").files];
    at("file").value = ""; // so that the same file can be chosen again
    if (files.length) startFiles(files);
  });
  at("cancel").addEventListener("click", () => fail("Cancelled."));
  at("copy").addEventListener("click", copy);
  at("save-report").addEventListener("click", () => save(result.report, "text/html", ".html"));
  at("save-record").addEventListener("click", () =>
    save(`${JSON.stringify(result.record)}\n`, "application/json", ".json"),
  );
  at("again").addEventListener("click", () => {
    result = null;
    fillFrame("");
    text.value = "";
    show("ask");
    text.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && sent) fail("Cancelled.");
  });

  // A document may be dropped anywhere, whatever is shown.
  const carries = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    at("drop").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) at("drop").hidden = true;
  });
  document.addEventListener("drop", (event) => {
    at("drop").hidden = true;
    if (!carries(event)) return;
    event.preventDefault();
    startFiles(event.dataTransfer.files);
  });
})();
