"""The artifacts of role `tongweb`: a stand-in for the product, a Java runtime, the channel portal's WAR."""
