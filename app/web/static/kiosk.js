"use strict";
// A kiosk whose field is always the one that a barcode scanner types into, and that goes back to its start by itself.
(() => {
  const field = document.getElementById("q");
  const { home, seconds, start } = document.body.dataset;
  let last = Date.now();

  function ready() {
    field.focus({ preventScroll: true });
  }

  // A scanner is a keyboard: what it types while somebody has touched something else belongs into the field.
  addEventListener("keydown", (event) => {
    last = Date.now();
    const typed = event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (typed && document.activeElement !== field) {
      field.value = "";
      ready();
    }
    // The separator of GS1's element strings, as a keyboard has it: a field takes no control characters.
    if (event.key === "]" && event.ctrlKey) {
      event.preventDefault();
      field.value += "\u241d";
    }
  });
  for (const kind of ["pointerdown", "pointermove", "scroll", "touchmove", "wheel"]) {
    addEventListener(kind, () => { last = Date.now(); }, { passive: true });
  }
  // What is shown from the browser's memory is of somebody who has gone.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.replace(home);
    field.value = "";
    // Not before the browser has seen to the field by itself, or it complains.
    requestAnimationFrame(ready);
  });
  setInterval(() => {
    if (Date.now() - last < seconds * 1000) return;
    last = Date.now();
    // The next one may speak another language than the last.
    if (start === undefined || location.search) location.replace(home);
    else if (field.value) field.value = "";
  }, 1000);
})();
