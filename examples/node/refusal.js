'use strict'

// What paysafe has refused, for an answer of 409 or 422 instead of 500; null for
// any other error.  node-postgres hands over all fields of the error.
function refusalOf(error) {
  if (!error.constraint || !error.constraint.startsWith('paysafe_')) return null
  const { code, constraint, table, column, message, detail, hint } = error
  return { code, constraint, table, column, message, detail, hint }
}

module.exports = { refusalOf }
