"use strict";
// Fetches the page again and swaps its main part in place: no jump, no lost focus, what was folded open stays open.
(() => {
  const fresh = document.getElementById("fresh");
  const period = 1000 * Number(document.body.dataset.seconds);
  // Without user and password, which an address can carry and a request for it may not.
  const address = location.origin + location.pathname + location.search;
  let etag = null;
  let changed = Date.now();
  let failing = false;
  let paused = false;

  const lasting = (ms) => {
    const minutes = Math.floor(ms / 60000);
    return minutes < 1 ? `${Math.floor(ms / 1000)} s` : minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
  };

  const tell = () => {
    const now = Date.now();
    const made = Date.parse(document.getElementById("status").dataset.at);
    // A clock that is a day off tells nothing of the report's age: a demo's, or a device's that is wrong.
    const age = Math.max(now - changed, Math.abs(now - made) > 86400000 ? 0 : now - made);
    const old = age > 10 * period;
    const text = failing
      ? `The exporter does not answer. What stands here is ${lasting(age)} old.`
      : old
        ? `The exporter has made no new report for ${lasting(age)}.`
        : paused
          ? "Waits while text is selected."
          : "Refreshes itself.";
    fresh.classList.toggle("stale", failing || old);
    // A reader says what is written here, so it is written only when it says something new.
    if (fresh.textContent !== text) fresh.textContent = text;
  };

  const swap = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    const old = document.getElementById("status");
    const now = next.getElementById("status");
    for (const details of old.querySelectorAll("details[open]")) {
      now.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
    }
    const active = document.activeElement;
    const place = old.contains(active) ? active.closest("[id]").id : null;
    const [x, y] = [scrollX, scrollY];
    const across = [...old.querySelectorAll(".wide")].map((wide) => [wide.id, wide.scrollLeft]);
    old.replaceWith(document.adoptNode(now));
    document.title = next.title;
    if (place !== null) {
      const again = document.getElementById(place);
      (active.tagName === "SUMMARY" ? again?.querySelector("summary") : again)?.focus({ preventScroll: true });
    }
    for (const [id, left] of across) document.getElementById(id)?.scrollTo({ left });
    scrollTo(x, y);
  };

  const refresh = async () => {
    if (document.hidden) return;
    paused = !getSelection().isCollapsed;
    try {
      const response = await fetch(address, { cache: "no-cache", signal: AbortSignal.timeout(0.9 * period) });
      const text = await response.text();
      failing = !response.ok;
      if (response.ok && !paused && response.headers.get("etag") !== etag) {
        if (etag !== null) changed = Date.now();
        etag = response.headers.get("etag");
        swap(text);
      }
    } catch {
      failing = true;
    }
    tell();
  };

  tell();
  setInterval(refresh, period);
  document.addEventListener("visibilitychange", refresh);
})();
