// Providers' own code signs, paysafe verifies; paysafe signs, theirs verifies.
//
// The server is where PGHOST and its like say, and has a key file; EXAMPLE is the URL
// of the project in examples/django, which uses PGDATABASE, STRIPE_SECRET and
// GITHUB_SECRET the secrets that it knows.

import assert from 'node:assert'
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { sign as githubSign, verify as githubVerify } from '@octokit/webhooks-methods'
import pg from 'pg'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'

const ROUNDS = 100
const { EXAMPLE, STRIPE_SECRET, GITHUB_SECRET } = process.env
const pool = new pg.Pool({ max: 2 })
const stripe = new Stripe('sk_test_of_nobody')

after(() => pool.end())

async function row (text, ...values) {
  return (await pool.query(text, values)).rows[0]
}

const ALPHABET = ['a', '0', ' ', '"', '\\', '/', '\n', 'é', '€', '𝒳', '\u2028', '<', '&', '%', '+', '.', ',']

function text () {
  return Array.from({ length: randomInt(12) }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

function value (depth) {
  switch (randomInt(depth > 0 ? 7 : 5)) {
    case 0: return randomInt(-1e9, 1e9)
    case 1: return Math.random() * 1e6
    case 2: return text()
    case 3: return randomInt(2) === 1
    case 4: return null
    case 5: return Array.from({ length: randomInt(4) }, () => value(depth - 1))
    default: return object(depth)
  }
}

function object (depth) {
  return Object.fromEntries(Array.from({ length: randomInt(4) }, (_, i) => [i + text(), value(depth - 1)]))
}

// indented or not: the bytes are signed
function event (members) {
  return JSON.stringify({ ...members, data: object(4) }, null, randomInt(3))
}

function accept (endpoint, headers, body) {
  return row('SELECT verdict, reason, event_id, event_type FROM paysafe.webhook_accept($1, $2, $3)',
    endpoint, headers, Buffer.from(body))
}

// sign: (body, id) => headers
async function eachIsAcceptedOnce (endpoint, id, type, sign) {
  for (let i = 0; i < ROUNDS; i++) {
    const name = `${id}${randomUUID()}`
    const body = event({ id: name, type })
    const headers = await sign(body, name)
    const changed = Buffer.from(body)
    changed[randomInt(changed.length)] ^= 1 << randomInt(8)
    assert.strictEqual((await accept(endpoint, headers, changed)).verdict, 'refused')
    assert.deepStrictEqual(await accept(endpoint, headers, body),
      { verdict: 'accepted', reason: null, event_id: name, event_type: type }, body)
    assert.strictEqual((await accept(endpoint, headers, body)).verdict, 'duplicate')
  }
}

async function setUp (endpoint, scheme, secret) {
  await row('SELECT paysafe.set_webhook_endpoint($1, $2)', endpoint, scheme)
  await row('SELECT paysafe.add_webhook_key($1, $2)', endpoint, secret)
}

test('stripe', async () => {
  const secret = 'whsec_' + randomBytes(24).toString('base64url')
  await setUp('js-stripe', 'stripe', secret)
  await eachIsAcceptedOnce('js-stripe', 'evt_', 'charge.succeeded', (payload) => {
    const header = stripe.webhooks.generateTestHeaderString({ payload, secret })
    assert.ok(stripe.webhooks.constructEvent(payload, header, secret))
    return { 'Stripe-Signature': header }
  })
})

test('stripe: what its own code refuses', async () => {
  const secret = 'whsec_of_the_test_of_times'
  await setUp('js-stripe-time', 'stripe', secret)
  const payload = event({ id: 'evt_1', type: 'x' })
  const header = (timestamp, other = {}) =>
    ({ 'Stripe-Signature': stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp, ...other }) })
  const now = Math.floor(Date.now() / 1000)
  for (const [headers, reason] of [
    [header(now - 310), 'timestamp_old'],
    // its own code takes these
    [header(now + 310), 'timestamp_future'],
    [header(now, { scheme: 'v0' }), 'signature_malformed'],
    [header(now, { secret: 'another' }), 'signature_wrong'],
    [header(now, { signature: 'x' }), 'signature_malformed']
  ]) {
    assert.strictEqual((await accept('js-stripe-time', headers, payload)).reason, reason, JSON.stringify(headers))
  }
})

test('github', async () => {
  const secret = randomBytes(24).toString('hex')
  await setUp('js-github', 'github', secret)
  await eachIsAcceptedOnce('js-github', '', 'push', async (body, id) => {
    const signature = await githubSign(secret, body)
    assert.ok(await githubVerify(secret, body, signature))
    return { 'X-Hub-Signature-256': signature, 'X-GitHub-Delivery': id, 'X-GitHub-Event': 'push' }
  })
})

function secretOf (bytes) {
  return 'whsec_' + randomBytes(bytes).toString('base64')
}

test('standard webhooks', async () => {
  const secret = secretOf(32)
  const webhook = new StandardWebhook(secret)
  await setUp('js-standard', 'standard', secret)
  await eachIsAcceptedOnce('js-standard', 'msg_', 'user.created', (body, id) => {
    const now = new Date()
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now / 1000)),
      'webhook-signature': webhook.sign(id, now, body)
    }
  })
})

test('svix', async () => {
  const secret = secretOf(24)
  const webhook = new SvixWebhook(secret)
  // the built-in scheme, and standard's under names of one's own
  const { definition } = await row("SELECT definition FROM paysafe.webhook_schemes WHERE scheme = 'standard'")
  for (const name of ['id', 'timestamp', 'signature']) definition[`${name}_header`] = `svix-${name}`
  await row('SELECT paysafe.set_webhook_scheme($1, $2)', 'like-svix', definition)
  for (const scheme of ['svix', 'like-svix']) {
    await setUp(`js-${scheme}`, scheme, secret)
    await eachIsAcceptedOnce(`js-${scheme}`, 'msg_', 'invoice.paid', (body, id) => {
      const now = new Date()
      return {
        'svix-id': id,
        'svix-timestamp': String(Math.floor(now / 1000)),
        'svix-signature': webhook.sign(id, now, body)
      }
    })
  }
})

test('webhooks out, verified by theirs', async () => {
  await row("SELECT paysafe.set_webhook_destination('customer', 'https://example.com/hooks')")
  const secrets = []
  for (let i = 0; i < 2; i++) {
    secrets.push((await row("SELECT secret FROM paysafe.add_destination_key('customer')")).secret)
  }
  const bodies = Array.from({ length: ROUNDS }, () => event({ type: 'refund.paid' }))
  for (const body of bodies) {
    await row('SELECT paysafe.outbox_add($1, $2, $3)', 'customer', 'refund.paid', Buffer.from(body))
  }
  const { rows } = await pool.query('SELECT webhook_id, headers, body FROM paysafe.outbox_claim($1, $2)', ['customer', ROUNDS])
  assert.deepStrictEqual(rows.map(({ body }) => body.toString()), bodies)
  for (const { webhook_id: id, headers, body } of rows) {
    assert.strictEqual(headers['webhook-id'], id)
    for (const secret of secrets) {
      for (const Webhook of [StandardWebhook, SvixWebhook]) {
        assert.deepStrictEqual(new Webhook(secret).verify(body.toString(), headers), JSON.parse(body))
        assert.throws(() => new Webhook(secret).verify(body.toString() + ' ', headers))
      }
    }
    assert.throws(() => new StandardWebhook(secretOf(24)).verify(body.toString(), headers))
  }
})

async function deliver (path, headers, body) {
  const response = await fetch(EXAMPLE + path, {
    method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers }
  })
  return [response.status, await response.text()]
}

test('the example takes what stripe signs', async () => {
  for (let i = 0; i < 10; i++) {
    const { id } = await row(`INSERT INTO shop_payment (status, currency, amount, captured, note)
      VALUES ('authorized', 'EUR', 50, 0, '') RETURNING id::text`)
    const payload = JSON.stringify({
      id: `evt_${randomUUID()}`,
      object: 'event',
      type: 'payment_intent.succeeded',
      data: { object: { id: 'pi_1', metadata: { payment: id, note: text() }, amount_received: 5000 } }
    })
    const sign = (secret) => ({
      'Stripe-Signature': stripe.webhooks.generateTestHeaderString({ payload, secret })
    })
    assert.deepStrictEqual(await deliver('/hooks/stripe/', sign('whsec_of_somebody_else'), payload), [400, ''])
    assert.deepStrictEqual(await deliver('/hooks/stripe/', sign(STRIPE_SECRET), payload + ' '), [400, ''])
    const headers = sign(STRIPE_SECRET)
    const answers = await Promise.all([1, 2, 3, 4].map(() => deliver('/hooks/stripe/', headers, payload)))
    assert.deepStrictEqual(answers, answers.map(() => [200, '']))
    const { changes, captured } = await row(`SELECT count(*)::int AS changes, max(after ->> 'captured') AS captured
      FROM paysafe.audit_log WHERE table_name = 'shop_payment' AND op = 'UPDATE' AND after ->> 'id' = $1`, id)
    assert.deepStrictEqual([changes, captured], [1, '50.00'])
  }
})

test('the example takes what github signs', async () => {
  const body = JSON.stringify({ action: 'published', release: { tag_name: `v${randomUUID()}` } })
  const headers = async (secret) => ({
    'X-Hub-Signature-256': await githubSign(secret, body),
    'X-GitHub-Event': 'release',
    'X-GitHub-Delivery': randomUUID()
  })
  assert.deepStrictEqual(await deliver('/hooks/github/', await headers('of somebody else'), body), [400, ''])
  for (let i = 0; i < 3; i++) {
    assert.deepStrictEqual(await deliver('/hooks/github/', await headers(GITHUB_SECRET), body), [200, ''])
  }
  const { n } = await row("SELECT count(*)::int AS n FROM paysafe.inbox WHERE endpoint = 'github'")
  assert.strictEqual(n, 1)
})
