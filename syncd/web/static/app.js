// What pages do besides htmx: nothing moves under pointer or focus, a lost line is told, keys, filters that send
// themselves. Every page works without this file.
"use strict";

const live = () => document.getElementById("live");
const feed = () => document.getElementById("feed");
const KEPT = 50;
const LOST_AFTER = 20000;
const SAID_EVERY = 30000;

// ---- events: parts are swapped by htmx, unless somebody is at them

let heardAt = Date.now();
let isPaused = false;
let waiting = [];
let unsaid = 0;
let saidAt = 0;
const later = new Map();

function isBusy(element) {
  return element.matches(":hover") || element.contains(document.activeElement);
}

function show(element, html) {
  element.innerHTML = html;
  if (window.htmx) window.htmx.process(element);
}

function prepend(html) {
  const list = feed();
  const draft = document.createElement("template");
  draft.innerHTML = html;
  for (const item of [...draft.content.querySelectorAll("li")].reverse()) {
    if (document.getElementById(item.id)) continue;
    item.classList.add("fresh");
    list.prepend(item);
    unsaid += 1;
  }
  while (list.children.length > KEPT) list.lastElementChild.remove();
  document.getElementById("feed-empty")?.remove();
  sayLater();
}

function pauseWords() {
  const button = document.getElementById("feed-pause");
  if (!button) return;
  const count = waiting.reduce((sum, html) => sum + html.split("<li ").length - 1, 0);
  button.hidden = false;
  button.setAttribute("aria-pressed", String(isPaused));
  if (isPaused || count) button.textContent = count ? `Paused, ${count} new` : "Paused";
  else button.textContent = "Pause feed";
}

function catchUp() {
  if (isPaused || !feed() || isBusy(feed())) return;
  for (const html of waiting.splice(0)) prepend(html);
  pauseWords();
}

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  heardAt = Date.now();
  const element = event.detail.elt ?? event.target;
  const html = event.detail.data;
  if (element.id === "live") { element.dataset.heard = "yes"; element.classList.remove("lost"); return; }
  event.preventDefault();
  if (element.id === "feed") {
    waiting.push(html);
    catchUp();
    pauseWords();
  } else if (isBusy(element)) {
    later.set(element, html);
  } else {
    if (element.id === "issue-count" && element.innerHTML.trim() !== html.trim()) say("The number of open issues changed.");
    show(element, html);
  }
});

for (const name of ["pointerout", "focusout"]) {
  document.addEventListener(name, () => setTimeout(() => {
    for (const [element, html] of later) if (!isBusy(element)) { later.delete(element); show(element, html); }
    catchUp();
  }, 50));
}

document.addEventListener("click", (event) => {
  if (event.target.id !== "feed-pause") return;
  isPaused = !isPaused;
  event.target.blur();
  catchUp();
  pauseWords();
});

setInterval(() => {
  const mark = live();
  if (!mark || Date.now() - heardAt < LOST_AFTER || mark.classList.contains("lost")) return;
  const time = (mark.textContent.match(/\d\d:\d\d:\d\d/) ?? [""])[0];
  mark.classList.add("lost");
  mark.querySelector("span").textContent = `Not live. Numbers are from ${time}. Reconnecting.`;
}, 1000);

function sayLater() {
  if (!unsaid || Date.now() - saidAt < SAID_EVERY) return;
  saidAt = Date.now();
  say(unsaid === 1 ? "1 new event" : `${unsaid} new events`);
  unsaid = 0;
}
setInterval(sayLater, 5000);

function say(words) {
  const line = document.getElementById("polite");
  if (line) line.textContent = words;
}

// ---- filters send themselves

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[role=search]");
  if (form && event.target.matches("select")) form.requestSubmit();
});

// ---- keys

const GO = { o: "/app", s: "/app/stock", a: "/app/sales", i: "/app/issues" };
let afterG = 0;

function areKeysOff() {
  try { return localStorage.getItem("keys") === "off"; } catch { return false; }
}

function rows() {
  return [...document.querySelectorAll("main tbody th a, main .rows a")].filter((link) => link.offsetParent);
}

function step(by) {
  const links = rows();
  if (!links.length) return;
  const here = links.indexOf(document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, here + by))].focus();
}

document.addEventListener("keydown", (event) => {
  const inField = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (inField || event.ctrlKey || event.metaKey || event.altKey || areKeysOff()) return;
  const key = event.key;
  if (Date.now() - afterG < 1000 && GO[key]) { location.assign(GO[key]); return; }
  afterG = key === "g" ? Date.now() : 0;
  if (key === "/") {
    const field = document.querySelector("input[type=search]");
    if (field) { event.preventDefault(); field.focus(); }
  } else if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (key === "?") location.assign("/app/keys");
});

const keysSwitch = document.getElementById("keys-off");
if (keysSwitch) {
  keysSwitch.checked = !areKeysOff();
  keysSwitch.disabled = false;
  keysSwitch.addEventListener("change", () => {
    try { localStorage.setItem("keys", keysSwitch.checked ? "on" : "off"); } catch { /* nowhere to keep it */ }
  });
}

// ---- after a form: the first message has the focus

const said = document.getElementById("said");
if (said) said.focus({ preventScroll: false });
pauseWords();
