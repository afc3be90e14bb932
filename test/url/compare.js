// What url_check accepts must be what the WHATWG parser reads, and what the
// vectors expect must be the answer.  Prints how many were compared.
'use strict';
const unescape = (s) => s.replace(/\\(.)/g, (_, c) => ({ t: '\t', n: '\n', r: '\r', b: '\b', f: '\f', v: '\v' }[c] || c));
let wrong = 0, count = 0, accepted = 0;
for (const line of require('fs').readFileSync(0, 'utf8').split('\n')) {
	if (line === '') continue;
	const [, url, expected, , ok, canonical] = line.split('\t').map(unescape);
	count++;
	let trouble = '';
	if (expected !== '' && (expected === 'accept') !== (ok === 't')) trouble = `expected ${expected}`;
	if (ok === 't') {
		accepted++;
		try {
			const u = new URL(url);
			if (u.href !== canonical || u.protocol !== 'https:' || u.port !== '' || u.username !== '' || u.password !== '' ||
				canonical.slice(8).split('/')[0] !== u.hostname) trouble = `the parser reads ${u.href}`;
		} catch (e) {
			trouble = 'the parser refuses it';
		}
	}
	if (trouble && wrong++ < 20) console.error(JSON.stringify(url), trouble, canonical);
}
if (accepted < count / 100) { console.error(`only ${accepted} of ${count} accepted`); wrong++; }
if (wrong) process.exit(1);
console.log(count);
