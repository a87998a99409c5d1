"""Operations whose value and gradient stay finite; `nandoctor.ops` is their front door."""
