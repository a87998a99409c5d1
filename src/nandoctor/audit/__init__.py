"""Is this data fit for this loss? `audit` answers; the rest of the room is how. Light to import: it loads nothing."""

from nandoctor.audit.front import audit as audit
