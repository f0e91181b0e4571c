"""A small shop: items, baskets, discounts."""
