package shop;

import java.math.BigDecimal;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import org.hibernate.annotations.ColumnDefault;

@Entity
public class Wallet {
	@Id
	@GeneratedValue(strategy = GenerationType.SEQUENCE)
	private Long id;
	@Column(nullable = false, length = 100)
	private String owner;
	/** Entries move it, so Hibernate only reads it: it writes all other columns. */
	@ColumnDefault("0")
	@Column(nullable = false, precision = 12, scale = 2, insertable = false, updatable = false)
	private BigDecimal balance;
	@Column(precision = 12, scale = 2)
	private BigDecimal minimum;

	protected Wallet() {
	}

	public Wallet(String owner, BigDecimal minimum) {
		this.owner = owner;
		this.minimum = minimum;
	}

	public Long getId() {
		return id;
	}

	public void setOwner(String owner) {
		this.owner = owner;
	}

	public BigDecimal getBalance() {
		return balance;
	}
}
