package shop;

import jakarta.persistence.EnumeratedValue;

public enum RefundStatus {
	REQUESTED("requested"), REJECTED("rejected"), EXECUTING("executing"), PAID("paid"), FAILED("failed");

	@EnumeratedValue
	final String label;

	RefundStatus(String label) {
		this.label = label;
	}
}
