"""DeepLabv3, trained on drawn scenes or on folders of images and masks, with faults that can be switched on."""
