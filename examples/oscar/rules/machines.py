"""Which statuses orders and their lines go through, as pictures.

oscar keeps them in settings, and checks them in `set_status()`: nothing checks what
the admin, a shell or an old copy of the order in memory writes.
"""

# OSCAR_ORDER_STATUS_PIPELINE and OSCAR_LINE_STATUS_PIPELINE of config/settings.py
SHOP = {
    "order": """
        state "Being processed" as processed
        [*] --> Pending
        Pending --> processed
        Pending --> Cancelled
        processed --> Complete
        processed --> Cancelled
    """,
    "line": """
        state "Being processed" as processed
        [*] --> Pending
        Pending --> processed
        Pending --> Cancelled
        processed --> Shipped
        processed --> Cancelled
    """,
}

# oscar's own tests have pipelines of their own, each file others, and begin orders
# in the middle of them; without a pipeline, an order has no status at all
OSCAR_TESTS = {
    "order": """
        state "" as none
        [*] --> none
        [*] --> Active
        [*] --> A
        A --> B
        B --> C
        [*] --> PENDING
        PENDING --> SHIPPED
        PENDING --> CANCELLED
        [*] --> SHIPPED
        SHIPPED --> COMPLETE
    """,
    "line": """
        state "" as none
        [*] --> none
        [*] --> a
        a --> b
        a --> SHIPPED
        a --> A
        [*] --> A
        A --> B
        A --> C
        B --> C
    """,
}
