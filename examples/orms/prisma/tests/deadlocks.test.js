// Several at a time: what waits, what deadlocks, what helps.
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { prisma, transaction } from '../src/database.js'
import { post } from '../src/ledger.js'
import { isWorthAnotherTry, refusalOf } from '../src/refusals.js'
import { byId, wallets } from './shop.js'

after(() => prisma.$disconnect())

const balances = async (...keys) => {
  const rows = await Promise.all(keys.map((key) => byId(prisma.wallet, key)))
  return rows.map((row) => Number(row.balance)).sort()
}

test('transfers in opposite directions', async () => {
  const [ann, bob] = await wallets()
  // one attempt: none of them deadlocks
  const transfer = (payer, payee) =>
    transaction((tx) => post(tx, [[payer, '-1'], [payee, '1']]), { attempts: 1 })
  for (let round = 0; round < 50; round++) await Promise.all([transfer(ann, bob), transfer(bob, ann)])
  assert.deepStrictEqual(await balances(ann, bob), [0, 0])
})

// Row by row, in the order of the caller's: what `post` does not do.
function savesOneByOne (keys, meet, attempts) {
  let met = false
  return transaction(async (tx) => {
    const transaction = randomUUID()
    for (const [n, walletId] of keys.entries()) {
      await tx.ledgerEntry.create({ data: { transaction, walletId, amount: n ? '1' : '-1' } })
      // at the first attempt each has one of the wallets before it asks for the other
      if (!met) await meet()
      met = true
    }
  }, { attempts })
}

for (const attempts of [1, 3]) {
  test(`single-row saves in different orders, ${attempts} attempts`, async () => {
    const [ann, bob] = await wallets()
    let here = 0
    let open
    const gate = new Promise((resolve) => { open = resolve })
    const meet = () => {
      if (++here === 2) open()
      return gate
    }
    const results = await Promise.allSettled([
      savesOneByOne([ann, bob], meet, attempts), savesOneByOne([bob, ann], meet, attempts)])
    const errors = results.filter((result) => result.status === 'rejected').map((result) => result.reason)
    // one of the two is ended by PostgreSQL; done again, it passes
    assert.strictEqual(errors.length, attempts === 1 ? 1 : 0)
    for (const error of errors) {
      assert.strictEqual(error.code, 'P2034')
      assert.ok(isWorthAnotherTry(error))
      assert.strictEqual(refusalOf(error), null)
    }
    assert.deepStrictEqual(await balances(ann, bob), attempts === 1 ? [-1, 1] : [0, 0])
  })
}
