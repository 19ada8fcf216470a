r"""Words after which an identifier stands: "MRN 1234", "Tel.", "geb.", "Name:".

Rule of the file: parts of verbose regular expressions, so that blanks mean nothing and `\s` is a blank; the longer
form stands first.
"""

from __future__ import annotations

NUMBER_LABELS = r"""
    mrn | pid | pat(?:ient(?:en)?)?[\s._-]?(?:id|nr|no|num(?:ber|mer)?)
  | acc(?:ession|n)?(?:[\s._-]?(?:id|nr|no|num(?:ber)?))? | ssn | sozialversicherung\w*
  | fall(?:nummer|[\s-]?nr) | aufnahme(?:nummer|nr) | auftrag(?:s?nummer|snr) | versicherten(?:nummer|nr) | kv-?nr
  | nhs(?:[\s-]?no)? | nir | ipp | nip | dni | nie | nif | nhc | nss | bsn | cpf | rg | cod(?:ice)?[\s._]?fisc(?:ale)?
  | ticket | order(?:[\s._-]?(?:id|nr|no))? | visit(?:[\s._-]?(?:id|nr|no)) | encounter | case[\s._-]?(?:id|nr|no)
  | account | acct | insurance | license | licence | passport | badge | serial(?:[\s._-]?(?:nr|no))? | s/n | sn
  | id | ident | record | chart | bed | bett | room | zimmer | ward | station
  | ext(?:ension)? | durchwahl | dw | pager | piepser | funk | rufnummer
"""
PHONE_LABELS = r"""
    tel(?:e(?:fon|phone|fono|foon))? | phone | ph | fon | fax | telefax | cell | mobile | mobil | handy | movil | móvil
  | celular | portable | gsm | call | rückruf | rappel
"""
BIRTH_LABELS = r"""
    dob | d\.o\.b | birth\s?date | date\sof\sbirth | birthday | born(?:\son)?
  | geb(?:\.|oren)?(?:\sam)? | geburts(?:datum|tag) | gebdat | n[ée]{1,2}(?:\(e\))?\sle | date\sde\snaissance | ddn
  | nac(?:ido|ida|imiento)(?:\sel)? | fecha\s(?:de\s)?nac(?:\.|imiento) | fn | nat[oa](?:\sil)? | data\sdi\snascita
  | geboren(?:\sop)? | geboortedatum | nascid[oa](?:\sem)? | data\sde\snasc(?:\.|imento) | dn | \*
"""
NAME_LABELS = r"""
    (?:(?:pat(?:ient(?:in|en)?|\.)?|last|first|family|given|middle|full|maiden|sur|vor|nach|familien|mädchen|geburts
       |mother'?s?|father'?s?)[\s_.-]?)?names?
  | nom(?:\sde\sfamille)? | prénom | prenom | nombre | apellidos? | nome | cognome | sobrenome | (?:voor|achter)?naam
  | patient(?:in)? | paciente | paziente | patiënt | pt | pat
  | referr(?:ing|ed)(?:\s(?:physician|doctor|by))? | physician | doctor | radiologist | technologist | technician
  | operator | reader | (?:reported|read|performed|dictated|verified|approved|requested|ordered)\sby | signed(?:\sby)?
  | attending | contact | c/o | cc:?\sdr
  | arzt | ärztin | überweiser | zuweiser | untersucher | mtra? | befunder | médecin | médico | medico | arts
  | signature | unterschrift | initials
"""
STREETS_AFTER_NUMBER = r"""
    street | st | avenue | ave | road | rd | boulevard | blvd | lane | ln | drive | dr | court | ct | place | pl
  | terrace | parkway | pkwy | highway | hwy | square | way
"""
STREETS_BEFORE_NUMBER = r"""
    straße | strasse | str\. | strase | gasse | allee | platz | ufer | damm | weg | straat | laan | gracht | plein
"""
STREETS_IN_FRENCH = r"rue | avenue | boulevard | chemin | impasse | allée | quai"
STREETS_IN_THE_SOUTH = (
    r"via | viale | corso | piazza | calle | c/ | plaza | avenida | avda | paseo | rua | travessa | praça"
)
YEARS_OLD = r"""
    y/?\s?o | yo | yrs? | y | years? | yr | jahre?n? | jr | j | ans | años | anos | anni | aa | jaar
  | jährige?[rn]? | jaehrige?[rn]? | лет | 歳 | 岁 | 세
"""
AGE_LABELS = r"aged? | alter | âge | edad | età | leeftijd | idade | age\sof"
