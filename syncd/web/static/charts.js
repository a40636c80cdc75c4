// The chart that moves, on /app/charts only. Its figures are in the table above it too.
"use strict";

const place = document.getElementById("lag-chart");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

async function draw() {
  const answer = await fetch(place.dataset.source, { credentials: "same-origin" });
  if (!answer.ok) return;
  const zone = place.dataset.zone;
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  const times = (chart, ticks) => ticks.map((tick) => clock.format(new Date(tick * 1000)));
  const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false } };
  const options = {
    width: place.clientWidth,
    height: 240,
    cursor: { y: false },
    scales: { y: { range: (chart, low, high) => [0, Math.max(1, high * 1.1)] } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    axes: [{ ...axis, values: times }, { ...axis, values: (chart, ticks) => ticks.map((tick) => (tick ? `${tick} s` : "0")) }],
    series: [
      { label: "Time", value: (chart, moment) => (moment ? clock.format(new Date(moment * 1000)) : "–") },
      { label: "Median, s", stroke: colour("--s1"), width: 2, spanGaps: true },
      { label: "99 in 100, s", stroke: colour("--s2"), width: 1.6, dash: [5, 3], spanGaps: true },
    ],
  };
  const chart = new uPlot(options, await answer.json(), place);
  addEventListener("resize", () => chart.setSize({ width: place.clientWidth, height: 240 }));
}

if (place && window.uPlot) draw();
