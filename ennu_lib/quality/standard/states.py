"""States and territories of the United States: letters of the name, and usual abbreviations, to USPS codes."""

_NAMES = """
alabama AL, alaska AK, arizona AZ, arkansas AR, california CA, colorado CO
connecticut CT, delaware DE, florida FL, georgia GA, hawaii HI, idaho ID
illinois IL, indiana IN, iowa IA, kansas KS, kentucky KY, louisiana LA
maine ME, maryland MD, massachusetts MA, michigan MI, minnesota MN, mississippi MS
missouri MO, montana MT, nebraska NE, nevada NV, newhampshire NH, newjersey NJ
newmexico NM, newyork NY, northcarolina NC, northdakota ND, ohio OH, oklahoma OK
oregon OR, pennsylvania PA, rhodeisland RI, southcarolina SC, southdakota SD, tennessee TN
texas TX, utah UT, vermont VT, virginia VA, washington WA, westvirginia WV
wisconsin WI, wyoming WY, districtofcolumbia DC, puertorico PR, guam GU, virginislands VI
americansamoa AS, northernmarianaislands MP, usvirginislands VI, armedforcesamericas AA
armedforceseurope AE, armedforcespacific AP, washingtondc DC, washdc DC, ncarolina NC
scarolina SC, ndakota ND, sdakota SD, nmexico NM, wvirginia WV, nhampshire NH
njersey NJ, risland RI
ala AL, ariz AZ, ark AR, cal CA, calif CA, colo CO, conn CT, del DE, fla FL, ill IL, ind IN, kan KS, kans KS
mass MA, mich MI, minn MN, miss MS, mont MT, neb NE, nebr NE, nev NV, okla OK, ore OR, penn PA, penna PA
tenn TN, tex TX, wash WA, wva WV, wis WI, wisc WI, wyo WY
"""

STATES = dict(entry.split() for entry in _NAMES.replace("\n", ",").split(",") if entry.strip())
