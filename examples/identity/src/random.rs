use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Draws 256 bits from the operating system, as text for an address.
pub(crate) fn random() -> Result<String, StatusCode> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Draws six digits.
pub(crate) fn digits() -> Result<String, StatusCode> {
    // Of 2^64 numbers, that some remainders are one more often than others can be told by nobody.
    let drawn = getrandom::u64().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(format!("{:06}", drawn % 1_000_000))
}
