// What the console does beyond plain pages. Every page works without it.
"use strict";

const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// Copy buttons: shown only where they can work.
function copyButtons(from) {
  if (!navigator.clipboard) return;
  for (const button of all("[data-copy]", from)) {
    button.hidden = false;
    const said = button.textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = said; }, 1600);
    });
  }
}

// A form that asks first.
function confirmDialogs(from) {
  for (const form of all("form[data-confirm]", from)) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.confirmed) return;
      event.preventDefault();
      ask(form);
    });
  }
}

function ask(form) {
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  const buttons = document.createElement("div");
  const yes = made("button", "button primary", form.dataset.confirmYes);
  const no = made("button", "button", form.dataset.confirmNo);
  text.textContent = form.dataset.confirm;
  text.id = "confirm-text";
  dialog.setAttribute("aria-labelledby", text.id);
  buttons.className = "actions";
  buttons.append(no, yes);
  dialog.append(text, buttons);
  document.body.append(dialog);
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => { form.dataset.confirmed = "1"; form.requestSubmit(); });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  no.focus();
}

function made(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// File inputs take what is dropped on them and show what was picked.
function dropZones(from) {
  for (const field of all(".field-file", from)) {
    const input = field.querySelector("input[type=file]");
    const shown = document.createElement("ul");
    shown.className = "drop-preview";
    input.after(shown);
    for (const name of ["dragenter", "dragover"]) {
      field.addEventListener(name, (event) => { event.preventDefault(); field.classList.add("is-over"); });
    }
    for (const name of ["dragleave", "drop"]) {
      field.addEventListener(name, () => field.classList.remove("is-over"));
    }
    field.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    input.addEventListener("change", () => preview(input, shown));
  }
}

const MOST_SHOWN = 12;
const LARGEST_SHOWN = 8_000_000;

function preview(input, shown) {
  shown.replaceChildren();
  for (const file of [...input.files].slice(0, MOST_SHOWN)) {
    const item = document.createElement("li");
    item.textContent = file.name;
    shown.append(item);
    if (!file.type.startsWith("image/") || file.size > LARGEST_SHOWN) continue;
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      const picture = document.createElement("img");
      picture.alt = "";
      picture.src = reader.result;
      item.prepend(picture);
    });
    reader.readAsDataURL(file);
  }
}

// An element with data-refresh="seconds" and an id is fetched again from this very page.
function refreshing() {
  const waiting = all("[data-refresh][id]");
  if (!waiting.length) return;
  const every = Math.max(2, Math.min(...waiting.map((each) => Number(each.dataset.refresh) || 10)));
  setInterval(async () => {
    if (document.hidden || document.querySelector("dialog[open]")) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of all("[data-refresh][id]")) {
        const next = fresh.getElementById(old.id);
        if (next && next.innerHTML !== old.innerHTML && !old.contains(document.activeElement)) {
          old.replaceChildren(...next.childNodes);
          enhance(old);
        }
      }
    } catch { /* away for a moment: the page stays as it is */ }
  }, every * 1000);
}

// What a plot's points say, shown beside the pointer.
function plotTips() {
  const tip = document.createElement("div");
  tip.className = "plot-tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  let lit = null;
  const away = () => { tip.hidden = true; if (lit) lit.classList.remove("is-near"); lit = null; };
  document.addEventListener("pointermove", (event) => {
    const svg = event.target.closest ? event.target.closest(".plot svg") : null;
    const point = svg && nearest(svg, event);
    if (!point) { away(); return; }
    if (lit && lit !== point) lit.classList.remove("is-near");
    lit = point;
    lit.classList.add("is-near");
    tip.textContent = point.getAttribute("aria-label");
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, room))}px`;
    tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 10)}px`;
  });
  document.addEventListener("pointerleave", away);
  document.addEventListener("scroll", away, true);
}

function nearest(svg, event) {
  const over = event.target.closest(".mark-symbol path[aria-label], .mark-rect path[aria-label]");
  if (over) return over;
  let best = null;
  let distance = 32;
  for (const point of all(".mark-symbol path[aria-label]", svg)) {
    const box = point.getBoundingClientRect();
    const far = Math.hypot(box.x + box.width / 2 - event.clientX, (box.y + box.height / 2 - event.clientY) / 3);
    if (far < distance) { best = point; distance = far; }
  }
  return best;
}

// On a phone a wide plot scrolls; what is newest is on its right.
function newestFirst(from) {
  for (const wide of all(".plot-wide", from)) wide.parentElement.scrollLeft = 100000;
}

function enhance(from) {
  newestFirst(from);
  copyButtons(from);
  confirmDialogs(from);
  dropZones(from);
}

enhance(document);
refreshing();
plotTips();
