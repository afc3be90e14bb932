'use strict'

// The server is where PGHOST, PGPORT, PGUSER and PGDATABASE say; the database must
// be empty, and the role a superuser, who creates the extension.

const assert = require('node:assert')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { after, before, test } = require('node:test')
const { Pool } = require('pg')
const { refusalOf } = require('./refusal.js')

const pool = new Pool({ max: 4 })

// the statements in one transaction, on a connection of the pool
async function transaction(...statements) {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    for (const [text, values] of statements) await client.query(text, values)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

async function refused(code, constraint, work) {
  let refusal = null
  await assert.rejects(work, (error) => {
    refusal = refusalOf(error)
    assert.ok(refusal, `${error.code} ${error.message}`)
    assert.deepStrictEqual([refusal.code, refusal.constraint], [code, constraint])
    return true
  })
  return refusal
}

const post = (id, ...entries) =>
  entries.map(([wallet, amount]) => [
    'INSERT INTO ledger_entry (transaction, wallet, amount) VALUES ($1, $2, $3)',
    [id, wallet, amount]
  ])

before(async () => {
  await pool.query(readFileSync(join(__dirname, 'schema.sql'), 'utf8'))
  await pool.query('INSERT INTO payment (id, amount) VALUES (1, 100)')
  await pool.query("UPDATE payment SET status = 'captured', captured = 100")
  await pool.query('INSERT INTO wallet (id, minimum) VALUES (1, 0), (2, -1000), (3, NULL)')
  await pool.query('INSERT INTO gift_card VALUES (1, 100)')
  await transaction(...post('opening', [1, 100], [2, -100]))
})
after(() => pool.end())

test('a captured payment is not set back', async () => {
  const refusal = await refused('23T01', 'paysafe_payment_status', () =>
    pool.query('UPDATE payment SET status = $1 WHERE id = $2', ['authorized', 1])
  )
  assert.match(refusal.message, /from "captured" to "authorized"/)
})

test('entries that do not balance are refused at COMMIT', () =>
  refused('23L02', 'paysafe_ledger_entry_ledger', () =>
    transaction(...post('t1', [1, -5], [3, 4]))
  ))

test('entries move balances, and not below the minimum', async () => {
  await transaction(...post('t2', [1, -30], [3, 30]))
  const { rows } = await pool.query('SELECT balance, paysafe.balance($1) AS fees FROM wallet WHERE id = 1', ['3'])
  assert.deepStrictEqual(rows, [{ balance: '70.00', fees: '30.00' }])
  await refused('23M01', 'paysafe_wallet_balance', () =>
    transaction(...post('t3', [1, -71], [3, 71]))
  )
})

test('a balance is not written by hand', () =>
  refused('23M02', 'paysafe_wallet_balance', () =>
    pool.query('UPDATE wallet SET balance = balance + 1 WHERE id = 1')
  ))

test('what was read earlier is not written back', async () => {
  const { rows } = await pool.query('SELECT balance FROM gift_card WHERE id = 1')
  await pool.query('UPDATE gift_card SET balance = balance - 30 WHERE id = 1')
  const refusal = await refused('23M04', 'paysafe_gift_card_row_lock', () =>
    pool.query('UPDATE gift_card SET balance = $1 WHERE id = 1', [Number(rows[0].balance) + 50])
  )
  assert.match(refusal.hint, /FOR UPDATE/)
  await transaction(
    ['SELECT balance FROM gift_card WHERE id = 1 FOR UPDATE'],
    ['UPDATE gift_card SET balance = $1 WHERE id = 1', [120]]
  )
})

test('another error is not a refusal of paysafe', async () => {
  await assert.rejects(
    () => pool.query('INSERT INTO payment (id, amount) VALUES (1, 100)'),
    (error) => error.code === '23505' && refusalOf(error) === null
  )
})
