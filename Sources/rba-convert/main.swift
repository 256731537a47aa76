print("rba-convert")
