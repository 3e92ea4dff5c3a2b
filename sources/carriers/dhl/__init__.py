"""DHL Shipment Tracking Unified."""
