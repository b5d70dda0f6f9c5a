// SPDX-License-Identifier: BSL-1.0
//
// The page of 'serve'.
#include "web.hpp"

const char* const ids_page = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guests</title>
<style>
:root { color-scheme: light dark; --line: #8886; --well: #2e7d32; --bad: #b71c1c; --dim: #666; --panel: #f6f7f9; }
@media (prefers-color-scheme: dark) { :root { --well: #66bb6a; --bad: #ff8a80; --dim: #a0a0a0; --panel: #1c1e21; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.3rem; margin: 0 0 .5rem; }
h2 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; }
header { display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; }
#link { color: var(--well); }
#link.old { color: var(--bad); font-weight: bold; }
#guests { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); }
#guests button { font: inherit; text-align: left; padding: .6rem .8rem; border: 1px solid var(--line); border-left: .4rem solid var(--dim);
  border-radius: .3rem; background: none; color: inherit; cursor: pointer; min-width: 0; }
#guests button:hover, #guests button[aria-pressed=true] { background: var(--panel); }
#guests button[aria-pressed=true] { border-top-color: currentColor; border-right-color: currentColor; border-bottom-color: currentColor; }
:focus-visible { outline: 3px solid #4285f4; outline-offset: 1px; }
#guests .well { border-left-color: var(--well); }
#guests .bad { border-left-color: var(--bad); }
#guests .bad em { color: var(--bad); font-weight: bold; }
#guests em { font-style: normal; }
#guests small { display: block; color: var(--dim); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.scroll { overflow: auto; max-height: 24rem; border: 1px solid var(--line); border-radius: .3rem; }
table { border-collapse: collapse; width: 100%; font: 13px/1.4 ui-monospace, monospace; }
th, td { text-align: left; vertical-align: top; padding: .15rem .7rem; white-space: pre; }
th { position: sticky; top: 0; background: var(--panel); border-bottom: 1px solid var(--line); }
.number { text-align: right; width: 5rem; }
tr.kernel td, tr.over td { color: var(--dim); }
tr.open td { color: var(--bad); }
tr.open td:nth-child(3) { font-weight: bold; }
#alerts td:nth-child(n+3) { white-space: normal; overflow-wrap: anywhere; }
@media (max-width: 45rem) {
  #alerts thead { display: none; }
  #alerts tr { display: block; padding: .3rem .7rem; border-bottom: 1px solid var(--line); }
  #alerts td { display: inline; padding: 0 .6rem 0 0; }
  #alerts td:nth-child(n+3) { display: block; }
}
</style>
</head>
<body>
<header><h1>Guests</h1><span id="link" role="status"></span></header>
<main>
<div id="guests"></div>
<h2 id="alerts-title">Alerts</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="alerts-title"><table id="alerts">
<thead><tr><th scope="col">time</th><th scope="col">guest</th><th scope="col">what</th><th scope="col">why</th></tr></thead>
<tbody aria-live="polite"></tbody></table></div>
<h2 id="processes-title">Processes</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="processes-title"><table id="processes">
<thead><tr><th scope="col" class="number">pid</th><th scope="col" class="number">uid</th><th scope="col">command</th></tr></thead>
<tbody></tbody></table></div>
<noscript><p>This page asks its server for news, and needs JavaScript for that. <code>/api/guests</code>, <code>/api/alerts</code> and
<code>/api/processes?guest=NAME</code> are JSON.</p></noscript>
</main>
<script>
'use strict';
let chosen = decodeURIComponent(location.hash.slice(1));
const get = id => document.getElementById(id);

// What comes out of a guest is text, and never markup.
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row(cells, className) {
  const made = element('tr', undefined, className);
  for (const [text, kind] of cells) made.append(element('td', text, kind));
  return made;
}

// Replaces rows only when they differ: so a selection and a screen reader are left alone.
function fill(table, rows, none) {
  const body = get(table).tBodies[0];
  const now = rows.length ? rows : [row([[none]])];
  const same = now.length === body.rows.length && now.every((each, i) => each.isEqualNode(body.rows[i]));
  if (!same) body.replaceChildren(...now);
}

function showGuests(guests) {
  if (!guests.some(each => each.guest === chosen) && guests.length) chosen = guests[0].guest;
  const buttons = guests.map(each => {
    const made = element('button', undefined, each.state === 'here' ? (each.alerts ? 'bad' : 'well') : each.state === 'away' ? 'bad' : '');
    made.type = 'button';
    made.dataset.guest = each.guest;
    made.setAttribute('aria-pressed', each.guest === chosen);
    const how = each.state === 'here' ? (each.alerts ? each.alerts + (each.alerts === 1 ? ' alert' : ' alerts') : 'all is well')
      : each.state === 'away' ? 'away' : 'not looked at yet';
    const about = element('small', each.problem || each.banner);
    about.title = about.textContent;  // it may be cut off
    made.append(element('strong', each.guest), ' ', element('em', how), about,
      element('small', each.looked ? each.looks + ' looks, the last at ' + each.looked.slice(11, 19) + ' UTC' : ''));
    return made;
  });
  const place = get('guests');
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.guest : null;
  place.replaceChildren(...buttons);
  if (focused !== null) buttons.find(each => each.dataset.guest === focused)?.focus();
  const alerts = guests.reduce((sum, each) => sum + each.alerts, 0);
  document.title = alerts ? '(' + alerts + ') Guests' : 'Guests';
}

function showAlerts(alerts) {
  const ended = new Set();
  fill('alerts', alerts.map(each => {
    const name = JSON.stringify([each.guest, each.kind, each.where, each.subject]);
    if (each.ended) ended.add(name);
    const open = !each.ended && !ended.has(name);
    return row([[each.time.slice(0, 19).replace('T', ' ')], [each.guest], [(each.ended ? 'END ' : '') + each.kind + ' ' + each.subject],
      [each.ended ? '' : each.detail]], open ? 'open' : 'over');
  }), 'none so far');
}

function showProcesses(answer) {
  const depth = new Map();
  fill('processes', answer.processes.map(each => {
    const mine = depth.has(each.ppid) ? depth.get(each.ppid) + 1 : 0;
    depth.set(each.pid, mine);
    const name = each.kernel_thread ? '[' + each.comm + ']' : each.comm;
    return row([[each.pid, 'number'], [each.uid, 'number'], ['  '.repeat(Math.min(mine, 20)) + name]], each.kernel_thread ? 'kernel' : '');
  }), answer.problem || 'none');
}

async function ask(path) {
  const answer = await fetch(path, {signal: AbortSignal.timeout(10000)});
  if (!answer.ok) throw new Error(path + ': ' + answer.status);
  return answer.json();
}

async function look() {
  try {
    showGuests((await ask('/api/guests')).guests);
    showAlerts((await ask('/api/alerts')).alerts);
    if (chosen) {
      get('processes-title').textContent = 'Processes of ' + chosen;
      showProcesses(await ask('/api/processes?guest=' + encodeURIComponent(chosen)));
    }
    say('live', '');
  } catch (problem) {
    say('no answer: what is here is old', 'old');
  }
}

// Only what is new is said: a screen reader reads each change.
function say(text, kind) {
  if (get('link').textContent !== text) get('link').textContent = text;
  get('link').className = kind;
}

let next;
async function again() {
  clearTimeout(next);
  await look();
  clearTimeout(next);
  next = setTimeout(again, document.hidden ? 10000 : 2000);
}

get('guests').addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  chosen = button.dataset.guest;
  history.replaceState(null, '', '#' + encodeURIComponent(chosen));
  again();
});
document.addEventListener('visibilitychange', () => { if (!document.hidden) again(); });
again();
</script>
</body>
</html>
)page";
