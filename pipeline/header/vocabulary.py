"""Words that identify nobody even when they are somebody's name: a patient called HEART must not hold every object.

Rule of the file: defined terms, body parts, planes, modes and equipment words that stand in most headers and on most
screens; makers of devices; and what every hospital is called. No eponyms and no colours: those are family names first.
All in the folded form of `pipeline.header.folding` (lower case, no accents). What is missing here costs a held object,
what is wrongly here costs a leak; so the list is short on purpose.
"""

from __future__ import annotations

_DEFINED_TERMS = """
original derived primary secondary axial coronal sagittal oblique localizer scout projection volume reformatted other
none unknown yes no true false normal standard routine default high low left right both bilateral unpaired anterior
posterior superior inferior lateral medial proximal distal supine prone decubitus erect standing head feet first
male female monochrome palette color colour grey gray full half mixed single multi frame frames cine loop static
continuous pulsed pulse harmonic harmonics tissue doppler power spectral flow mode bmode mmode echo gain depth focus
frequency velocity dynamic range persistence priority thermal index mechanical probe transducer linear curved convex
phased array sector endocavity transvaginal transrectal transabdominal transthoracic transesophageal image images
series study exam examination protocol preset general small parts contrast enhanced enhancement delayed arterial
venous portal phase early late before after with without post native window level width center centre slice thickness
spacing interval kernel filter sharp smooth soft bone detail lossy lossless compressed quality annotation overlay
screen capture save print review report measurement distance area circumference length volume angle ratio caliper
trace ellipse point date time name patient birth gender weight height size number institution department operator
physician referring performing station unit units value minimum maximum mean average total anonymous anonymized
test tests testing phantom demo dummy unnamed mister miss
"""

_REPORT_TERMS = """
code composite concept container contains context inferred num pname properties scoord selected table tcoord text
uidref waveform
"""
"""What the items of every structured report are called (PS3.3 C.17.3)."""

_BODY = """
abdomen abdominal adrenal ankle anus aorta aortic appendix arm artery arteries ascites atrium axilla back biliary
bladder bowel brachial brain breast bronchus calf cardiac carotid cava cervical cervix cheek chest clavicle coccyx
colon cord cranial duct duodenum elbow esophagus eyes face fallopian femoral femur fetal fetus fibula fingers foot
foreskin forearm gallbladder gland hand heart hepatic hips humerus iliac intestine jaw jejunum joint kidney kidneys
knee larynx limb liver lower lumbar lung lungs lymph mandible maxilla mediastinum mitral mouth muscle neck nerve nodes
nose orbit ovary ovaries pancreas parathyroid parotid pelvis pelvic penis pericardium peritoneum pharynx placenta
pleura popliteal prostate pulmonary radius rectum renal ribs sacrum scalp scapula scrotum shoulder sinus skin skull
spine spleen sternum stomach submandibular tendon testis testes thigh thorax thoracic throat thumb thyroid tibia toes
tongue tonsil trachea tricuspid trunk tumor tumour umbilical upper ureter urethra urinary uterus vagina valve vascular
vein veins vena ventricle vessel vessels wall whole body wrist obstetric obstetrics gynecology pediatric neonatal adult
cyst lesion mass stone fluid fracture biopsy puncture needle follow screening control
"""

_PLACES_AND_MAKERS = """
hospital hospitals clinic clinics klinik klinikum krankenhaus hopital hospitalier ospedale clinica universitat
universitatsklinikum university universitaire universitaria college school institute institut institution medical
medicine medizin health healthcare care center centre zentrum praxis radiology radiologie radiologia imaging diagnostic
diagnostics department dept ward room emergency intensive cardiology ultrasound sonography echocardiography nuclear
oncology surgery clinical research trial site street strasse road avenue building floor city state country national
regional general main north south east west park memorial saint
community association foundation gmbh corp corporation company limited systems system
philips siemens healthineers electric toshiba canon hitachi samsung medison mindray esaote fujifilm sonosite aloka
hologic konica minolta agfa kodak carestream fuji shimadzu varian elekta bruker zeiss topcon heidelberg olympus pentax
logiq voluson vivid epiq affiniti acuson aplio arietta resona software version build model
"""

MEDICAL_WORDS: frozenset[str] = frozenset(f"{_DEFINED_TERMS} {_REPORT_TERMS} {_BODY} {_PLACES_AND_MAKERS}".split())
