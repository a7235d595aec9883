"""Typed ids. All are short printable strings chosen by people or by the catalog.

Nothing here makes one.

The one surprising fact: a `UserKey` is not what the app sent. It is a 63-bit keyed hash of it, so
that neither logs nor Redis ever hold a device id.
"""

from typing import NewType

AdvertiserId = NewType("AdvertiserId", str)
CampaignId = NewType("CampaignId", str)
LineItemId = NewType("LineItemId", str)
CreativeId = NewType("CreativeId", str)
AppId = NewType("AppId", str)
PlacementId = NewType("PlacementId", str)
PartnerId = NewType("PartnerId", str)
UserKey = NewType("UserKey", int)
MerchantId = NewType("MerchantId", str)
Sku = NewType("Sku", str)
ContractId = NewType("ContractId", str)
PoolId = NewType("PoolId", str)
LinkCode = NewType("LinkCode", str)
ProductRef = NewType("ProductRef", str)
"""A product of a merchant, written "merchant/sku"."""
