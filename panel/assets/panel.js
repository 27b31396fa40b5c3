// The live parts of the pages. All of them work without it.

// Times go on, in the words that the browser has for them.
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, {numeric: "always"});
const units = [["day", 86400, 172800], ["hour", 3600, 3600], ["minute", 60, 60], ["second", 1, 5]];
function tell() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const unit = units.find(([, , least]) => Math.abs(seconds) >= least);
    if (unit) time.textContent = words.format(Math.trunc(seconds / unit[1]), unit[0]);
  }
}
setInterval(tell, 5000);
document.addEventListener("visibilitychange", tell);

// Times in full are told in the zone of who looks; UTC stays in the title of what is before them.
for (const full of document.querySelectorAll("time + .full")) {
  const time = new Date(full.previousElementSibling.dateTime);
  full.textContent = time.toLocaleString(document.documentElement.lang, {dateStyle: "medium", timeStyle: "long"});
}

// A second click does nothing a second time.
document.addEventListener("submit", event => {
  if (event.timeStamp - event.target.dataset.sent < 2000) event.preventDefault();
  else event.target.dataset.sent = event.timeStamp;
});

// One box ticks all.
const all = document.querySelector(".tick .all");
if (all) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll("td.tick input")) box.checked = all.checked;
  });
}

// stream calls told with each event while the page is seen and toggle says so. It returns a
// function that stops and starts it.
function stream(url, told) {
  let source, on = true;
  const set = () => {
    if (on && !document.hidden) {
      source ??= Object.assign(new EventSource(url), {onmessage: event => told(JSON.parse(event.data))});
    } else {
      source?.close();
      source = undefined;
    }
  };
  document.addEventListener("visibilitychange", set);
  addEventListener("pagehide", () => source?.close());
  set();
  return wanted => { on = wanted; set(); };
}

// A page of one delivery is loaded again when that has changed, but not while text is selected.
const watched = document.querySelector("[data-watch]");
if (watched) {
  stream(watched.dataset.watch, version => {
    if (version !== watched.dataset.version && getSelection().isCollapsed) location.reload();
  });
}

// The overview takes its parts anew from the page as it is now, each while nobody is in it.
const overview = document.querySelector("[data-overview]");
if (overview) {
  let request, timer;
  const busy = part => part.matches(":focus-within") || part.contains(getSelection().isCollapsed ? null : getSelection().anchorNode);
  const refresh = version => {
    clearTimeout(timer);
    request?.abort();
    request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.onload = function () {
      if (!this.response?.querySelector("[data-overview]")) return;
      let left = false;
      for (const part of document.querySelectorAll("[data-part]")) {
        const now = this.response.getElementById(part.id), open = [...part.querySelectorAll("details")].map(d => d.open);
        if (busy(part)) { left = true; continue; }
        part.replaceChildren(...document.importNode(now, true).childNodes);
        part.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? d.open; });
      }
      if (left) timer = setTimeout(refresh, 5000, version);
      else overview.dataset.version = version;
      tell();
    };
    request.send();
  };
  stream(overview.dataset.overview, version => { if (version !== overview.dataset.version) refresh(version); });
}

// A list gets new rows at its top, and its rows change.
const list = document.querySelector("[data-live]");
if (list) {
  const blank = document.querySelector("#row")?.content.firstElementChild;
  const shapes = document.querySelector("#shapes")?.content;

  const newRow = row => {
    const tr = document.importNode(blank, true);
    for (const e of [tr, ...tr.querySelectorAll("*")]) {
      for (const a of e.attributes) if (a.value.includes("__id__")) a.value = a.value.replace("__id__", row.id);
    }
    tr.querySelector(".event").textContent = row.event;
    const time = tr.querySelector("time");
    time.dateTime = row.created;
    time.title = row.full;
    return tr;
  };
  const fill = (tr, row) => {
    const state = tr.querySelector(".state");
    if (!state.classList.contains(row.state) || state.textContent !== row.word) {
      state.className = "state " + row.state;
      state.querySelector("svg").replaceWith(document.importNode(shapes.querySelector(`[data-shape="${row.state}"] svg`), true));
      state.querySelector("span").textContent = row.word;
    }
    for (const name of ["hook", "why"]) {
      const cell = tr.querySelector("." + name);
      if (cell.textContent !== row[name]) cell.textContent = row[name];
    }
    for (const name of ["retry", "resend", "cancel"]) {
      const button = tr.querySelector(`button[formaction$="/${name}"]`);
      if (button) button.hidden = !row[name];
    }
  };
  const toggle = stream(list.dataset.live, rows => {
    if (list.tagName !== "TBODY") { // there were none
      if (rows.length) location.reload();
      return;
    }
    const old = new Map([...list.rows].map(tr => [tr.dataset.id, tr]));
    let at = list.firstElementChild;
    for (const row of rows) {
      const tr = old.get(row.id) ?? newRow(row);
      old.delete(row.id);
      fill(tr, row);
      if (tr === at) at = at.nextElementSibling;
      else list.insertBefore(tr, at);
    }
    for (const tr of old.values()) if (!tr.querySelector(":checked")) tr.remove();
    tell();
  });
  const button = document.querySelector(".live");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      button.textContent = on ? button.dataset.on : button.dataset.off;
      toggle(on);
    });
  }
}
