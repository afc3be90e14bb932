package shop

import (
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"gorm.io/gorm"
)

// Post posts a transaction: amounts by wallet, which sum to zero.  The database moves the
// wallets' balances.
//
// As one INSERT: of one statement the database locks the wallets in the order of their
// keys by itself.  Statements of their own, one for each entry or batch, have an order
// only if the application gives them one; so they are sorted here in any case.
func Post(tx *gorm.DB, amounts map[int64]decimal.Decimal) (uuid.UUID, error) {
	transaction := uuid.New()
	entries := make([]LedgerEntry, 0, len(amounts))
	for _, wallet := range slices.Sorted(maps.Keys(amounts)) {
		entries = append(entries, LedgerEntry{Transaction: transaction, WalletID: wallet, Amount: amounts[wallet]})
	}
	return transaction, tx.CreateInBatches(entries, 1000).Error
}
