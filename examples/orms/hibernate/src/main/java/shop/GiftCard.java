package shop;

import java.math.BigDecimal;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Version;

@Entity
public class GiftCard {
	@Id
	@GeneratedValue(strategy = GenerationType.SEQUENCE)
	private Long id;
	@Column(nullable = false, length = 20, unique = true)
	private String code;
	@Column(nullable = false, precision = 12, scale = 2)
	private BigDecimal balance;
	@Version
	private int version;

	protected GiftCard() {
	}

	public GiftCard(String code, BigDecimal balance) {
		this.code = code;
		this.balance = balance;
	}

	public Long getId() {
		return id;
	}

	public String getCode() {
		return code;
	}

	public BigDecimal getBalance() {
		return balance;
	}

	public void setBalance(BigDecimal balance) {
		this.balance = balance;
	}

	public int getVersion() {
		return version;
	}
}
