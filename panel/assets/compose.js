// The form of a webhook while one types: problems underlined at their places, the request
// beside it, names completed. The server judges; this only shows what it says.

const form = document.getElementById("compose");
if (form) start();

function start() {
  let timer, request, last = form.querySelector("textarea[name=body]");
  const later = () => { clearTimeout(timer); timer = setTimeout(check, 90); };
  document.documentElement.classList.add("scripted");

  // The answer is the page as without a script, of which the parts that judge are taken.
  function check(whole) {
    request?.abort();
    request = new XMLHttpRequest();
    request.open("POST", form.dataset.preview);
    request.setRequestHeader("X-Live", "1");
    request.responseType = "document";
    request.onload = function () {
      if (!this.response?.getElementById("problems")) { refused(this.response?.querySelector(".notice")); return; }
      for (const id of whole === true ? ["problems", "preview", "variables"] : ["problems", "preview"]) {
        const old = document.getElementById(id), now = this.response.getElementById(id);
        if (!old || !now) continue;
        const open = [...old.querySelectorAll("details")].map(d => d.open);
        old.replaceChildren(...document.importNode(now, true).childNodes);
        old.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? d.open; });
      }
      underline();
      form.dispatchEvent(new Event("checked"));
    };
    request.onerror = () => refused();
    request.send(new URLSearchParams(new FormData(form)));
  }

  // An answer that is no judgement says why there is none: too much was sent, or who asks may not any more.
  function refused(notice) {
    const words = document.createElement("p");
    words.className = "bad";
    words.textContent = notice ? [...notice.querySelectorAll("h1, p:not(:has(a))")].map(e => e.textContent.trim().replace(/\.?$/, ".")).join(" ") : form.dataset.away;
    document.getElementById("problems").replaceChildren(document.querySelector("#problems h2"), words);
    form.dispatchEvent(new Event("checked"));
  }

  const fields = () => form.querySelectorAll("textarea[data-field]");

  // Behind each text lies a copy of it, which is not seen but for its underlines.
  function underline() {
    for (const area of fields()) {
      const at = [];
      for (const li of document.querySelectorAll("#problems li")) {
        if (li.dataset.field === area.dataset.field) at.push([+li.dataset.offset, +li.dataset.length, li.className]);
      }
      at.sort((a, b) => a[0] - b[0]);
      const text = area.value, parts = [];
      let from = 0;
      for (const [offset, length, kind] of at) {
        if (offset < from || !length || offset + length > text.length) continue;
        const mark = document.createElement("mark");
        mark.className = kind;
        mark.textContent = text.slice(offset, offset + length);
        parts.push(text.slice(from, offset), mark);
        from = offset + length;
      }
      layer(area).replaceChildren(...parts, text.slice(from) + "\n");
      area.ariaInvalid = at.some(([, , kind]) => kind === "error") ? "true" : null;
      scroll(area);
    }
    for (const input of form.querySelectorAll("input[data-field]")) {
      const wrong = [...document.querySelectorAll("#problems li.error")].some(li => li.dataset.field === input.dataset.field);
      input.ariaInvalid = wrong ? "true" : null;
      if (wrong) input.closest("details").open = true;
    }
  }
  function layer(area) {
    let under = area.previousElementSibling;
    if (!under) {
      under = document.createElement("span");
      under.className = "layer";
      under.ariaHidden = "true";
      area.before(under);
    }
    return under;
  }
  function scroll(area) {
    layer(area).scrollTop = area.scrollTop;
    layer(area).scrollLeft = area.scrollLeft;
  }

  form.addEventListener("input", event => {
    const row = event.target.closest(".row");
    if (row) {
      row.querySelector("textarea").dataset.field = "headers." + row.querySelector("input").value.trim();
      if (row === [...form.querySelectorAll(".row")].at(-1)) more(row);
    }
    if (event.target.rows === 1 && event.target.value.includes("\n")) event.target.value = event.target.value.replaceAll("\n", " ");
    if (event.target.matches("textarea")) { layer(event.target).replaceChildren(event.target.value + "\n"); complete(event.target); }
    later();
  });
  form.addEventListener("change", event => { if (event.target.name === "sample") { clearTimeout(timer); check(true); } });
  form.addEventListener("scroll", event => { if (event.target.matches?.("textarea")) scroll(event.target); }, true);
  form.addEventListener("focusin", event => { if (event.target.matches("textarea")) last = event.target; });
  function more(row) {
    const next = row.cloneNode(true);
    next.querySelector(".layer")?.remove();
    for (const field of next.querySelectorAll("input, textarea")) field.value = "";
    row.after(next);
  }

  // A fix, or a name, is put in where it belongs, so that undo takes it back.
  function put(area, text, from, to) {
    area.focus();
    area.setSelectionRange(from, to);
    if (!document.execCommand("insertText", false, text)) {
      area.setRangeText(text, from, to, "end");
      area.dispatchEvent(new Event("input", {bubbles: true}));
    }
  }
  form.addEventListener("click", event => {
    const fix = event.target.closest("[data-suggestion]"), insert = event.target.closest("[data-insert]");
    if (fix) {
      const li = fix.closest("li"), from = +li.dataset.offset;
      const area = [...fields()].find(a => a.dataset.field === li.dataset.field);
      if (!area) return; // the server does it
      event.preventDefault();
      put(area, fix.dataset.suggestion, from, from + +li.dataset.length);
    } else if (insert && last) {
      const name = insert.dataset.insert;
      put(last, last.name === "when" ? name : "@{{" + name + "}}", last.selectionStart, last.selectionEnd);
    }
  });

  // After {{ the names that fit are offered.
  const list = document.createElement("ul");
  list.className = "names";
  list.id = "names";
  list.role = "listbox";
  list.ariaLabel = document.querySelector("#variables h2")?.textContent;
  list.hidden = true;
  let chosen = 0, begun = 0;
  function complete(area) {
    const before = area.value.slice(0, area.selectionStart);
    const open = /(?:\{\{\s*|\|\s*default:\s*)([\w.]*)$/.exec(before) ?? (area.name === "when" ? /(?:^|[\s(])([a-z][\w.]*)$/.exec(before) : null);
    const names = [...document.querySelectorAll("[data-insert]")].map(b => b.dataset.insert);
    const fit = open ? names.filter(n => n !== open[1] && n.includes(open[1])).sort((a, b) => b.startsWith(open[1]) - a.startsWith(open[1])).slice(0, 8) : [];
    list.hidden = !fit.length;
    if (list.hidden) { hide(area); return; }
    begun = area.selectionStart - open[1].length;
    list.replaceChildren(...fit.map((name, i) => {
      const li = document.createElement("li");
      li.textContent = name;
      li.role = "option";
      li.id = "name-" + i;
      li.onmousedown = event => { event.preventDefault(); take(area, name); };
      return li;
    }));
    area.parentElement.append(list);
    area.setAttribute("aria-controls", "names");
    choose(area, 0);
  }
  function choose(area, i) {
    chosen = (i + list.children.length) % list.children.length;
    [...list.children].forEach((li, j) => { li.ariaSelected = String(j === chosen); });
    area.setAttribute("aria-activedescendant", "name-" + chosen);
  }
  function hide(area) {
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
    area.removeAttribute("aria-controls");
  }
  function take(area, name) {
    const to = area.selectionStart, closed = area.name === "when" || /^\s*(\}\}|\|)/.test(area.value.slice(to));
    hide(area);
    put(area, name + (closed ? "" : "}}"), begun, to);
    hide(area);
  }
  form.addEventListener("keydown", event => {
    const area = event.target;
    if (!area.matches("textarea")) return;
    if (!list.hidden) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(area, chosen + (event.key === "ArrowDown" ? 1 : -1)); }
      else if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); take(area, list.children[chosen].textContent); }
      else if (event.key === "Escape") { event.preventDefault(); hide(area); }
    } else if (event.key === "Enter" && area.rows === 1) event.preventDefault();
  });
  form.addEventListener("focusout", event => { if (event.target.matches("textarea")) hide(event.target); });

  underline();
}
