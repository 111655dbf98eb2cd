//! The sign of an outcome, as a small picture in text. All signs are defined once in a page.

use maud::{Markup, html};

use super::badge::Badge;

pub(super) fn sign(badge: Badge) -> Markup {
    html! {
        svg.sign aria-hidden="true" {
            use class=(badge.class) href={ "#sign-" (badge.class) } {}
        }
    }
}

/// Returns the definitions of the signs.
pub(super) fn sign_definitions() -> Markup {
    html! {
        @for badge in Badge::ALL { symbol id={ "sign-" (badge.class) } viewBox="0 0 10 10" { path d=(badge.path) {} } }
    }
}
