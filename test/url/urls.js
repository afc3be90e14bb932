// URLs to check, as a table for COPY: number, url, expected, source.
'use strict';
const fs = require('fs');
const path = require('path');
const { vectors, MUTATIONS, SEED } = process.env;

let state = Number(SEED) >>> 0 || 1;
function random(n) {			// xorshift: the same everywhere
	state ^= state << 13; state >>>= 0;
	state ^= state >>> 17;
	state ^= state << 5; state >>>= 0;
	return state % n;
}

const rows = [];
const seeds = ['https://example.com/a/b?c=d', 'https://hooks.my-shop.co.uk:443/x', 'https://xn--mnchen-3ya.de/x',
	'https://xn--fiqs8s.com/', 'https://a.b.c.example.org/~x/;y,z/@w?p=/?', 'https://xn--bcher-kva.example.net/x'];
function read(name) {
	const file = path.join(vectors, name);
	return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : [];
}
for (const c of read('ssrf_urls.json')) {
	rows.push([c.url, c.expected, 'ssrf_urls']);
	seeds.push(c.url.replace(/^http:/, 'https:'));
}
for (const c of read('wpt_http_urls.json'))
	// the cases are of http: the same with https
	for (const url of [c.input, c.input.replace(/^http:/i, 'https:')]) {
		rows.push([url, '', 'wpt']);
		seeds.push(url);
	}
const pieces = ['.', '-', '--', '@', ':', ':443', '/', '//', '?', '#', '%', '%2e', '%41', '\\', '\t', '\n', ' ', '[', ']', '0', '1',
	'0x', '127.0.0.1', 'xn--', 'XN--', 'a', 'A', 'com', '..', '../', '\u00e4', '\u3002', '\uff0e', '\u200d', '\u00df', '\ufeff', '\0', '\x7f',
	'\'', '"', '<', '^', '|', '`', '{', '~', '_', '*', '&', '=', '+', ',', ';', '!', '$', '(', 'localhost', '3ya', 'fiqs8s', 'kva'];
for (let i = 0; i < Number(MUTATIONS); i++) {
	let url = seeds[random(seeds.length)];
	for (let j = random(3); j >= 0; j--) {
		const at = random(url.length + 1);
		const piece = random(4) ? pieces[random(pieces.length)] : String.fromCharCode(33 + random(94));
		url = url.slice(0, at) + (random(2) ? piece : '') + url.slice(at + random(3));
	}
	rows.push([url, '', 'mutated']);
}
const escape = (s) => s.replace(/\\/g, '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n').replace(/\r/g, '\\r');
let out = '';
rows.forEach(([url, expected, source], n) => {
	// PostgreSQL's text has no zero byte and no lone surrogate
	if (/[\0\ud800-\udfff]/.test(url)) return;
	out += [n, escape(url), expected, source].join('\t') + '\n';
});
process.stdout.write(out);
