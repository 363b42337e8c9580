"use strict";
// Lights what belongs together. All it knows stands in the page: data-s holds the numbers of the
// spans that an element of the summary is, or that a place of the judgment was copied into.
(() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const numbersOf = (link) => link.dataset.s.split(" ");
  const sideOf = (link) => link.closest("section");
  const linkAt = (node) => (node instanceof Element ? node.closest("a[data-s]") : null);
  const IDLE = "Point at a line, or move to it with the keyboard, to light its place.";
  let lit = [];
  let cameFrom = null; // where Enter was pressed, to come back to the same of several spans
  let pointer = ""; // where the pointer was on the screen
  let timer = 0;

  const members = new WeakMap(); // side -> number -> links, made when first asked for
  function linksOf(side, number) {
    if (!members.has(side)) {
      const links = new Map();
      for (const link of side.querySelectorAll("a[data-s]")) {
        for (const n of numbersOf(link)) {
          if (!links.has(n)) links.set(n, []);
          links.get(n).push(link);
        }
      }
      members.set(side, links);
    }
    return members.get(side).get(number) || [];
  }

  function across(link) {
    const own = sideOf(link);
    const other = [...link.closest("article").querySelectorAll("section")].find((s) => s !== own);
    return numbersOf(link).flatMap((number) => linksOf(other, number));
  }

  function show(link) {
    link.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
  }

  function darken() {
    clearTimeout(timer);
    for (const link of lit) link.classList.remove("lit");
    lit = [];
    for (const status of document.querySelectorAll(".status")) status.textContent = IDLE;
  }

  function light(link, delay) {
    darken();
    const others = across(link);
    const pieces = linksOf(sideOf(link), numbersOf(link)[0]);
    lit = [...others, link, ...pieces.filter((piece) => piece.dataset.s === link.dataset.s)];
    for (const each of lit) each.classList.add("lit");
    link.closest("article").querySelector(".status").textContent = link.title;
    if (others.length) timer = setTimeout(show, delay, others[0]);
  }

  function stopsOf(side) {
    return [...side.querySelectorAll("a[data-s]:not(.more)")];
  }

  function moveTo(link) {
    link.focus({ preventScroll: true });
    show(link);
  }

  function cross(link) {
    const others = across(link);
    const target = others.includes(cameFrom) ? cameFrom : others[0];
    if (!target) return;
    cameFrom = link;
    moveTo(target);
  }

  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

  document.addEventListener("pointerover", (event) => {
    // Scrolling moves the page under a pointer that rests: that is not pointing.
    const here = `${event.screenX} ${event.screenY}`;
    const rests = here === pointer;
    pointer = here;
    const link = linkAt(event.target);
    if (link && !rests && !lit.includes(link)) light(link, 150);
  });
  document.addEventListener("pointermove", (event) => {
    pointer = `${event.screenX} ${event.screenY}`;
  });

  document.addEventListener("focusin", (event) => {
    const link = linkAt(event.target);
    if (!link) return;
    for (const stop of stopsOf(sideOf(link))) stop.tabIndex = stop === link ? 0 : -1;
    light(link, 0);
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape") return darken();
    const link = linkAt(event.target);
    if (!link) return;
    const stops = stopsOf(sideOf(link));
    let next = null;
    if (event.key in steps) {
      // from the second half of a place that a line break cut, the first half is the stop
      const here = link.matches(".more") ? stops.findLastIndex((s) => before(s, link)) : stops.indexOf(link);
      next = stops[here + steps[event.key]];
    } else if (event.key === "Home") next = stops[0];
    else if (event.key === "End") next = stops[stops.length - 1];
    else return;
    event.preventDefault();
    if (next) moveTo(next);
  });

  function before(a, b) {
    return a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING;
  }

  // A click, Enter or a tap follows the link; text that is being selected is left alone.
  document.addEventListener("click", (event) => {
    const link = linkAt(event.target);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (event.detail === 0 || getSelection().isCollapsed) cross(link);
  });

  // Inside another page (an iframe with srcdoc) a link is read as that page's own: keep it here.
  if (location.protocol === "about:") {
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#"]');
      if (!link || event.defaultPrevented) return;
      event.preventDefault();
      location.hash = link.hash;
    });
  }

  for (const side of document.querySelectorAll("section")) {
    stopsOf(side).forEach((stop, i) => { stop.tabIndex = i ? -1 : 0; });
  }
  darken();
  for (const help of document.querySelectorAll(".help")) help.hidden = false;
})();
