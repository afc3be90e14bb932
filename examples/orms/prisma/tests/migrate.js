// The server is where PGHOST, PGPORT, PGUSER and PGDATABASE say; the database must be
// empty, the role a superuser, who creates the extension, and `shop_app` a login.
//
// By node-postgres, as `prisma migrate deploy` would: that needs the schema engine, which
// Prisma downloads, and npm's registry does not have.
import { readFileSync } from 'node:fs'
import pg from 'pg'

const owner = new pg.Client()
await owner.connect()
for (const file of ['../prisma/migrations/0001_shop/migration.sql', '../../rules.sql']) {
  await owner.query(readFileSync(new URL(file, import.meta.url), 'utf8'))
}
await owner.end()
