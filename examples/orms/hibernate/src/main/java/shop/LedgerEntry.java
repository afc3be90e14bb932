package shop;

import java.math.BigDecimal;
import java.util.UUID;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.FetchType;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Index;
import jakarta.persistence.ManyToOne;
import jakarta.persistence.Table;

@Entity
@Table(indexes = @Index(columnList = "transaction"))
public class LedgerEntry {
	@Id
	@GeneratedValue(strategy = GenerationType.SEQUENCE)
	private Long id;
	@Column(nullable = false)
	private UUID transaction;
	@ManyToOne(optional = false, fetch = FetchType.LAZY)
	private Wallet wallet;
	@Column(nullable = false, length = 3)
	private String currency = "EUR";
	@Column(nullable = false, precision = 12, scale = 2)
	private BigDecimal amount;

	protected LedgerEntry() {
	}

	public LedgerEntry(UUID transaction, Wallet wallet, BigDecimal amount) {
		this.transaction = transaction;
		this.wallet = wallet;
		this.amount = amount;
	}

	public void setAmount(BigDecimal amount) {
		this.amount = amount;
	}
}
