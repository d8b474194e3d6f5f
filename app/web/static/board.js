"use strict";
// Keeps a board up to date: hears of changes, fetches the page and puts its content in place of the old one. What it
// keeps between two changes is what stands here, so that it may run for months.
(() => {
  const TURN = 9000; // ms that a page of a list is shown
  const LOST = 40000; // ms of silence after which what is shown may be out of date: the service speaks every 15 s
  const POLL = 30000;
  const address = document.body.dataset.events;
  let heard = Date.now();
  let wanted = shown();
  let fetching = false;
  let source = null;

  function board() {
    return document.getElementById("board");
  }

  function shown() {
    return board().dataset.tag;
  }

  async function fetched() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.body.dataset.version !== document.body.dataset.version) return location.reload();
    const next = page.getElementById("board");
    if (next.dataset.tag === shown()) return;
    document.title = page.title;
    document.body.className = page.body.className;
    document.body.replaceChildren(document.adoptNode(next));
    tick();
    turn();
  }

  // The process that answers may hear of a change a moment after the one that told of it.
  async function update() {
    if (fetching) return;
    fetching = true;
    try {
      for (let tries = 0; tries < 6; tries++) {
        const asked = wanted;
        await fetched();
        heard = Date.now();
        if (asked === wanted && (asked === null || shown() === asked)) break;
        await new Promise((go) => setTimeout(go, 400));
      }
    } catch (error) {
      console.warn(`the board could not be fetched: ${error.message}`);
    } finally {
      fetching = false;
    }
  }

  function listen() {
    source = new EventSource(address);
    source.addEventListener("board", (event) => {
      heard = Date.now();
      wanted = event.data;
      if (wanted !== shown()) update();
    });
    source.addEventListener("beat", () => {
      heard = Date.now();
      if (wanted !== shown()) update();
    });
  }

  function tick() {
    const node = document.getElementById("clock");
    const zone = board().dataset.zone;
    const now = new Date();
    const text = now.toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone });
    if (node.textContent !== text) node.textContent = text;
    document.querySelector(".lost").hidden = now - heard < LOST;
  }

  // A list longer than its place shows one page after the other; whoever points at it keeps the page.
  function page(list, from) {
    const rows = [...list.children];
    rows.forEach((row, i) => {
      row.classList.toggle("off-page", i < from);
      row.classList.remove("cut");
    });
    list.scrollTop = 0;
    const end = list.getBoundingClientRect().bottom + 1;
    const over = rows.findIndex((row, i) => i > from && row.getBoundingClientRect().bottom > end);
    if (over > 0) rows.slice(over).forEach((row) => row.classList.add("cut"));
    list.dataset.next = String(Math.max(over, 0));
  }

  function turn() {
    for (const list of document.querySelectorAll(".pages")) {
      if (!list.matches(":hover,:focus-within")) page(list, Number(list.dataset.next || 0));
    }
  }

  listen();
  tick();
  turn();
  setInterval(tick, 1000);
  setInterval(turn, TURN);
  setInterval(() => {
    if (source.readyState !== EventSource.CLOSED) return;
    // Refused, or too many screens: asked for every so often, and the stream tried again.
    wanted = null;
    update();
    listen();
  }, POLL);
  addEventListener("resize", () => {
    for (const list of document.querySelectorAll(".pages")) page(list, 0);
  });
})();
