"""Exports of annotation tools: COCO, Pascal VOC and Label Studio -> a manifest."""
