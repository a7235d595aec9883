// A phone that does what an app does: asks POST /v1/ads, shows the answer, reports it.
// Never here: a shortcut around the public API. docs/sdk.md says what an app must do.
import { WORDS } from "./words.js";

const $ = (id) => document.getElementById(id);
const VIEWABLE_MS = { splash: 0, banner: 1000, native: 1000, interstitial: 1000, rewarded_video: 2000 };
const SPLASH_MS = 5000;
const FILM_MS = 15000;
const LONGEST_LOG = 60;

let tongue = "en";
let stop = () => {};

// -- words ------------------------------------------------------------------------------------

function say(name, values = {}) {
  const text = WORDS[tongue][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

function speak(chosen) {
  tongue = chosen in WORDS ? chosen : "en";
  document.documentElement.lang = tongue === "zh" ? "zh-CN" : tongue;
  for (const each of document.querySelectorAll("[data-say]")) each.textContent = say(each.dataset.say);
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", say(each.dataset.label));
  for (const each of document.querySelectorAll("[data-tongue]")) {
    each.setAttribute("aria-pressed", String(each.dataset.tongue === tongue));
  }
}

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function button(className, text, act) {
  const made = make("button", className, text);
  made.type = "button";
  made.addEventListener("click", (event) => { event.stopPropagation(); act(event); });
  return made;
}

// -- the log ----------------------------------------------------------------------------------

function entry(kind, title, note, parts = []) {
  const item = make("li", `entry ${kind}`);
  const time = new Date().toLocaleTimeString("en-GB", { hour12: false });
  const head = [make("time", "", time), make("span", "what", title), make("span", "note", note)];
  const shown = parts.filter(([, text]) => text);
  if (shown.length) {
    const details = make("details");
    const summary = make("summary");
    summary.append(...head);
    details.append(summary);
    for (const [label, text] of shown) {
      const box = make("pre", "", text);
      box.tabIndex = 0;
      details.append(make("p", "part", label), box);
    }
    item.append(details);
  } else {
    const line = make("p", "line");
    line.append(...head);
    item.append(line);
  }
  $("log").prepend(item);
  while ($("log").children.length > LONGEST_LOG) $("log").lastChild.remove();
  $("quiet").hidden = true;
}

const did = (name, values) => entry("story", say(`did_${name}`, values), "");

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function headersOf(answer) {
  const wanted = [...answer.headers].filter(([name]) => /^(content-type|x-|retry-after|location)/.test(name));
  return wanted.map(([name, value]) => `${name}: ${value}`).join("\n");
}

// One request, told in the log. Answers {status, headers, text}; null when nobody answered.
async function call(title, path, options = {}, shownHeaders = "") {
  const method = options.method ?? "GET";
  const began = performance.now();
  try {
    const answer = await fetch(path, { ...options, cache: "no-store", redirect: "manual" });
    const text = await answer.text();
    const took = Math.round(performance.now() - began);
    const verdict = verdictOf(text, path);
    const kind = answer.ok && verdict.good ? "ok" : answer.ok ? "soft" : "bad";
    entry(kind, title, verdict.says || `${answer.status} · ${took} ms`, [
      [say("sent"), `${method} ${path}`],
      [say("sentHeaders"), shownHeaders],
      ["", options.body ? pretty(options.body) : ""],
      [say("answered"), `${answer.status} ${answer.statusText} · ${took} ms`],
      [say("answeredHeaders"), headersOf(answer)],
      ["", pretty(text)],
    ]);
    return { status: answer.status, headers: answer.headers, text };
  } catch (error) {
    entry("bad", title, say("noAnswer", { reason: error.message }), [[say("sent"), `${method} ${path}`]]);
    return null;
  }
}

function verdictOf(text, path) {
  if (!path.includes("f=j")) return { good: true, says: "" };
  try {
    const told = JSON.parse(text);
    if (told.counted) return { good: true, says: say("counted") };
    return { good: false, says: say(`why_${told.reason}`) };
  } catch { return { good: false, says: "" }; }
}

// -- beacons ----------------------------------------------------------------------------------

// The tracker's path on this very server, so that its verdict can be read; "" for another server.
function here(url) {
  const there = new URL(url);
  const local = (name) => ["localhost", "127.0.0.1", "[::1]"].includes(name);
  const same = there.host === location.host || (local(there.hostname) && local(location.hostname) && there.port === location.port);
  return same ? there.pathname + there.search : "";
}

async function report(kind, urls) {
  await Promise.all(urls.map(async (url) => {
    const path = here(url);
    if (path) {
      await call(say(kind), path + (path.includes("?") ? "&" : "?") + "f=j");
    } else {
      await fetch(url, { mode: "no-cors", cache: "no-store" }).catch(() => {});
      entry("soft", say(kind), say("elsewhere"), [[say("sent"), `GET ${url}`]]);
    }
  }));
}

// Impression when it is on the screen, viewable after half of it was seen long enough.
async function watch(ad, element) {
  await report("impression", ad.trackers.impression);
  const needed = VIEWABLE_MS[ad.format];
  let timer = 0;
  const seen = new IntersectionObserver((changes) => {
    clearTimeout(timer);
    if (!changes.at(-1).isIntersecting) return;
    timer = setTimeout(() => { seen.disconnect(); report("viewable", ad.trackers.viewable); }, needed);
  }, { threshold: 0.5 });
  seen.observe(element);
}

async function tap(ad) {
  stop();
  await report("click", ad.trackers.click);
  const over = raise("browser");
  const address = make("p", "address");
  address.append(make("span", "lock"), make("span", "", ad.landing.url));
  over.append(address, make("p", "landed", say("landed")), make("p", "place", ad.landing.url.split("?")[0]));
  if (/^https?:/.test(ad.landing.url)) {
    const link = make("a", "button", say("landingOpen"));
    link.href = ad.landing.url;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    over.append(link);
  } else if (ad.landing.fallback_url) over.append(make("p", "place", ad.landing.fallback_url));
  over.append(button("plain", say("back"), lower));
}

// -- what the phone shows -----------------------------------------------------------------------

function feed(cards = []) {
  const shown = [1, 2, 3, 4, 5].map((number) => {
    const story = make("article", `story tint${number}`);
    const lines = make("div", "lines");
    lines.append(make("strong", "", say(`story${number}`)), make("i"), make("i", "short"));
    story.append(make("span", "thumb"), lines);
    return story;
  });
  shown.splice(1, 0, ...cards.slice(0, 1));
  shown.splice(4, 0, ...cards.slice(1));
  $("feed").replaceChildren(...shown);
  $("feed").scrollTop = 0;
}

function raise(kind) {
  const over = $("over");
  over.className = `over ${kind}`;
  over.replaceChildren();
  over.hidden = false;
  return over;
}

function lower() {
  stop();
  stop = () => {};
  $("over").hidden = true;
  $("over").replaceChildren();
}

function toast(text) {
  $("toast").textContent = text;
}

function badge(ad) {
  const advertiser = ad.advertiser ? ` · ${ad.advertiser}` : "";
  return make("span", "ad-label", `${ad.label}${advertiser}`);
}

// The picture or film of an ad, once it is loaded; null when it cannot be.
function media(ad) {
  const film = ad.assets.find((asset) => asset.mime.startsWith("video/"));
  const picture = ad.assets.find((asset) => asset.role === "image") ?? ad.assets.find((asset) => asset.mime.startsWith("image/"));
  const asset = (ad.format === "rewarded_video" && film) || picture || film;
  if (!asset) return Promise.resolve(make("span", "no-picture"));
  const isFilm = asset.mime.startsWith("video/");
  const shown = document.createElement(isFilm ? "video" : "img");
  shown.className = "media";
  if (isFilm) { shown.muted = true; shown.playsInline = true; shown.autoplay = true; shown.loop = ad.format !== "rewarded_video"; }
  else shown.alt = ad.title || ad.advertiser;
  return new Promise((done) => {
    shown.addEventListener(isFilm ? "loadeddata" : "load", () => done(shown), { once: true });
    shown.addEventListener("error", () => done(null), { once: true });
    shown.src = asset.url;
  });
}

function tappable(element, ad) {
  element.classList.add("tappable");
  element.tabIndex = 0;
  element.setAttribute("role", "link");
  element.setAttribute("aria-label", [ad.label, ad.title || ad.advertiser, ad.cta].filter(Boolean).join(" · "));
  element.addEventListener("click", () => tap(ad));
  element.addEventListener("keydown", (event) => { if (event.key === "Enter") tap(ad); });
  return element;
}

// Calls each second with the seconds that remain, then `end`; answers a function that stops it.
function countdown(ms, each, end) {
  const until = performance.now() + ms;
  const look = () => {
    const left = Math.max(0, until - performance.now());
    each(Math.ceil(left / 1000));
    if (left <= 0) { clearInterval(timer); end(); }
  };
  const timer = setInterval(look, 200);
  look();
  return () => clearInterval(timer);
}

const since = (began) => ({ seconds: ((performance.now() - began) / 1000).toFixed(1) });

function splash(ad, picture) {
  const over = raise("splash");
  const began = performance.now();
  const close = () => { did("closed", since(began)); lower(); };
  const skip = button("skip", "", close);
  const art = tappable(make("div", "art"), ad);
  const foot = make("div", "splash-foot");
  art.append(picture);
  if (ad.title || ad.cta) {
    const words = make("div", "words");
    words.append(make("strong", "", ad.title), make("span", "pill", ad.cta || say("open")));
    art.append(words);
  }
  foot.append(make("span", "app-mark"), make("strong", "", $("app-name").textContent));
  over.append(art, badge(ad), skip, foot);
  watch(ad, art);
  stop = countdown(ad.show.duration_ms || SPLASH_MS, (left) => { skip.textContent = `${say("skip")} ${left}`; }, () => { did("ended"); lower(); });
}

function banner(ad, picture) {
  const card = tappable(make("div", "banner"), ad);
  card.append(picture, badge(ad));
  if (picture.className === "no-picture") card.append(make("strong", "", ad.title), make("span", "pill", ad.cta || say("open")));
  const close = button("close small", "×", () => { $("slot").replaceChildren(); });
  close.setAttribute("aria-label", say("close"));
  $("slot").replaceChildren(card, close);
  watch(ad, card);
}

function native(ad, picture) {
  const card = tappable(make("article", "native"), ad);
  const words = make("div", "words");
  words.append(make("strong", "", ad.title || ad.advertiser), make("span", "", ad.description));
  const foot = make("div", "native-foot");
  foot.append(badge(ad), make("span", "pill", ad.cta || say("open")));
  card.append(picture, words, foot);
  return card;
}

function interstitial(ad, picture) {
  const over = raise("interstitial");
  const began = performance.now();
  const close = button("close", "×", () => { did("closed", since(began)); lower(); });
  close.setAttribute("aria-label", say("close"));
  close.hidden = ad.show.close_delay_ms > 0;
  const art = tappable(make("div", "art"), ad);
  art.append(picture);
  const words = make("div", "words");
  words.append(make("strong", "", ad.title), make("span", "", ad.description), make("span", "pill", ad.cta || say("open")));
  art.append(words);
  over.append(art, badge(ad), close);
  watch(ad, art);
  const waiting = setTimeout(() => { close.hidden = false; }, ad.show.close_delay_ms);
  stop = () => clearTimeout(waiting);
}

function rewarded(ad, picture) {
  const over = raise("film");
  const left = make("span", "left");
  const art = tappable(make("div", "art"), ad);
  const isFilm = picture.tagName === "VIDEO";
  const length = isFilm && Number.isFinite(picture.duration) ? picture.duration * 1000 : ad.show.duration_ms || FILM_MS;
  art.append(picture);
  const close = button("close", "×", () => leaving(over));
  close.setAttribute("aria-label", say("close"));
  over.append(art, badge(ad), left, close);
  if (isFilm) {
    const sound = button("sound", "♪", () => { picture.muted = !picture.muted; sound.setAttribute("aria-pressed", String(!picture.muted)); });
    sound.setAttribute("aria-label", say("sound"));
    sound.setAttribute("aria-pressed", "false");
    over.append(sound);
    picture.play().catch(() => {});
  }
  watch(ad, art);
  stop = countdown(length, (seconds) => { left.textContent = say("rewardIn", { seconds }); }, () => reward(ad, picture));
}

function leaving(over) {
  const ask = make("div", "ask");
  ask.append(
    make("p", "", say("leave")),
    button("button", say("goOn"), () => ask.remove()),
    button("plain", say("close"), () => { did("no_reward"); lower(); }),
  );
  ask.setAttribute("role", "alertdialog");
  ask.setAttribute("aria-label", say("leave"));
  over.append(ask);
  ask.querySelector("button").focus();
}

function reward(ad, picture) {
  did("ended");
  did("reward");
  const over = raise("reward");
  const icon = make("span", "coin");
  over.append(icon, make("strong", "", say("rewarded")), make("p", "", say("rewardedText")));
  const end = tappable(make("div", "end-card"), ad);
  if (picture.tagName === "IMG") end.append(picture);
  end.append(make("strong", "", ad.title || ad.advertiser), make("span", "", ad.description), make("span", "pill", ad.cta || say("open")), badge(ad));
  over.append(end, button("plain", say("back"), lower));
}

const STAGES = { splash, banner, interstitial, rewarded_video: rewarded };

async function present(ads) {
  const loaded = await Promise.all(ads.map(async (ad) => [ad, await media(ad)]));
  const shown = loaded.filter(([, picture]) => picture);
  if (shown.length < loaded.length) { entry("bad", say("noFile"), ""); toast(say("noFile")); }
  if (!shown.length) return;
  const [ad, picture] = shown[0];
  if (ad.format === "native") {
    const cards = shown.map(([each, media_]) => native(each, media_));
    feed(cards);
    shown.forEach(([each], at) => watch(each, cards[at]));
  } else STAGES[ad.format](ad, picture);
}

// -- asking -----------------------------------------------------------------------------------

function requestBody(form) {
  const asked = new FormData(form);
  const text = (name) => (asked.get(name) ?? "").trim();
  const [w, h] = [1080, 2400];
  return {
    request_id: crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`,
    placement_id: text("placement"),
    count: form.dataset.format === "native" ? 2 : 1,
    user: { id: text("user"), gender: text("gender"), yob: Number(text("yob")) || 0 },
    device: { os: text("os"), osv: "14", devicetype: 4, connectiontype: 2, w, h, language: tongue, ua: navigator.userAgent, lmt: asked.has("lmt") ? 1 : 0 },
    geo: { country: text("country"), region: text("region") },
    test: asked.has("test") ? 1 : 0,
    debug: asked.has("debug"),
  };
}

const keyHeader = () => ({ "X-App-Key": $("key").value.trim() });
const hidden = (key) => (key.length > 12 ? `${key.slice(0, 8)}…${key.slice(-2)}` : key);

async function ask(event) {
  event.preventDefault();
  lower();
  toast("");
  feed();
  $("slot").replaceChildren();
  $("trouble").textContent = "";
  const body = JSON.stringify(requestBody($("ask")));
  const headers = { "Content-Type": "application/json", ...keyHeader() };
  const shownHeaders = `X-App-Key: ${hidden(headers["X-App-Key"])}\nContent-Type: application/json`;
  $("screen").scrollIntoView({ block: "nearest" });
  const answer = await call(say("askedAds"), "/v1/ads", { method: "POST", headers, body }, shownHeaders);
  if (!answer) { $("trouble").textContent = say("noAnswer", { reason: "" }); return; }
  if (answer.status === 200) await present(JSON.parse(answer.text).ads);
  else if (answer.status === 204) toast(say("noAd", { reason: reasonOf(answer) }));
  else $("trouble").textContent = say("failed", { reason: detailOf(answer) });
}

function reasonOf(answer) {
  const reason = answer.headers.get("X-No-Ad-Reason") ?? "nothing_live";
  return WORDS[tongue][`none_${reason}`] ?? reason;
}

function detailOf(answer) {
  try { return JSON.parse(answer.text).detail; } catch { return String(answer.status); }
}

async function placements() {
  const key = $("key").value.trim();
  if (!key) return;
  const answer = await call(say("askedPlacements"), "/preview/placements", { headers: keyHeader() }, `X-App-Key: ${hidden(key)}`);
  if (!answer) return;
  $("trouble").textContent = answer.status === 200 ? "" : say("failed", { reason: detailOf(answer) });
  if (answer.status === 200) offer(JSON.parse(answer.text));
}

function offer(found) {
  $("app-name").textContent = found.name;
  $("placements").replaceChildren(...found.placements.map((each) => {
    const option = make("option");
    option.value = each.placement_id;
    option.label = `${each.name} · ${each.format}`;
    return option;
  }));
  $("chips").replaceChildren(...found.placements.slice(0, 24).map((each) => {
    const chip = button("chip", `${each.name || each.placement_id}`, () => { $("placement").value = each.placement_id; picked(found); });
    const format = each.format.replace("_", " ");
    if (format !== each.name.toLowerCase()) chip.append(make("small", "", format));
    chip.dataset.placement = each.placement_id;
    return chip;
  }));
  if (!$("placement").value && found.placements.length) $("placement").value = found.placements[0].placement_id;
  $("placement").onchange = () => picked(found);
  picked(found);
}

function picked(found) {
  const chosen = found.placements.find((each) => each.placement_id === $("placement").value);
  $("ask").dataset.format = chosen ? chosen.format : "";
  for (const chip of $("chips").children) chip.setAttribute("aria-pressed", String(chip.dataset.placement === $("placement").value));
}

// -- start ------------------------------------------------------------------------------------

function begin() {
  const given = new URLSearchParams(location.search);
  speak(given.get("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  for (const each of document.querySelectorAll("[data-tongue]")) {
    each.addEventListener("click", () => { speak(each.dataset.tongue); feed(); });
  }
  $("user").value = `preview-${Math.random().toString(36).slice(2, 8)}`;
  $("key").value = given.get("key") ?? "";
  $("placement").value = given.get("placement") ?? "";
  $("test").checked = given.has("test");
  if (given.has("key")) history.replaceState(null, "", location.pathname);  // no key in the history
  $("ask").addEventListener("submit", ask);
  $("key").addEventListener("change", placements);
  $("clear").addEventListener("click", () => { $("log").replaceChildren(); $("quiet").hidden = false; });
  const tick = () => { $("clock").textContent = new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }); };
  tick();
  setInterval(tick, 10000);
  feed();
  placements();
}

begin();
