"""The SOAP ERP: its WSDL read with zeep, its answers mapped losslessly from the WSDL's own types."""
