"""The closed word lists of GS1's Core Business Vocabulary 2.0 and the prefixes that EPCIS 2.0's context declares."""

from functools import lru_cache

CBV = "https://ref.gs1.org/cbv/"
WEB_VOCABULARY = "https://gs1.org/voc/"

STANDARD_PREFIXES = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": CBV,
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": WEB_VOCABULARY,
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EVENT_TYPES = _words("ObjectEvent AggregationEvent AssociationEvent TransactionEvent TransformationEvent")
BIZ_STEPS = _words(
    """accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting
    decommissioning departing destroying disassembling dispensing encoding entering_exiting holding inspecting
    installing killing loading other packing picking receiving removing repackaging repairing replacing reserving
    retail_selling sampling sensor_reporting shipping staging_outbound stock_taking stocking storing transporting
    unloading unpacking void_shipping"""
)
DISPOSITIONS = _words(
    """active available completeness_inferred completeness_verified conformant container_closed container_open damaged
    destroyed dispensed disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance
    mismatch_quantity needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled
    reserved retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable unknown"""
)
BIZ_TRANSACTION_TYPES = _words("bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt")
SOURCE_DESTINATION_TYPES = _words("owning_party possessing_party location")
ERROR_REASONS = _words("did_not_occur incorrect_data")
EXCEPTIONS = _words("ALARM_CONDITION ERROR_CONDITION")
COMPONENTS = _words(
    """altitude axial_distance azimuth easting elevation_angle height latitude longitude northing polar_angle
    spherical_radius x y z"""
)
MEASUREMENTS = _words(
    """AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Altitude AmountOfSubstance
    AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area Capacitance
    Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate DynamicViscosity
    ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force Frequency
    Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux LuminousIntensity
    MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration MassFlowRate MassPerAreaTime
    MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux RadiantIntensity
    Radioactivity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume Speed SurfaceDensity SurfaceTension
    Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction VolumetricFlux Wavenumber"""
)

# The URN forms of CBV 1.x and the web names that took their place.
_URN_KINDS = {"bizstep": "BizStep", "disp": "Disp", "btt": "BTT", "sdt": "SDT", "er": "ER", "comp": "Comp"}
_URN = "urn:epcglobal:cbv:"
_URN_WORDS = {web: urn for urn, web in _URN_KINDS.items()}


def web_form(value: str) -> str:
    """A CBV 1.x value such as `urn:epcglobal:cbv:bizstep:receiving` as its CBV 2.0 web URI; others unchanged."""
    if value.startswith(_URN):
        kind, _, word = value.removeprefix(_URN).partition(":")
        if word and kind in _URN_KINDS:
            return f"{CBV}{_URN_KINDS[kind]}-{word}"
    return value


def urn_form(kind: str, word: str) -> str:
    """A bare CBV word as the URN of CBV 1.x; `kind` as in `bare_word`."""
    return f"{_URN}{_URN_WORDS[kind]}:{word}"


def is_standard(value: str) -> bool:
    """Whether a URI claims to be a word of one of the CBV lists or of the GS1 web vocabulary."""
    return value.startswith((WEB_VOCABULARY, *(f"{CBV}{kind}-" for kind in _URN_KINDS.values())))


@lru_cache(maxsize=4_096)
def bare_word(kind: str, value: str) -> str:
    """The bare CBV word in `value`, of whatever form: word, CURIE, web URI, CBV 1.x URN. Others unchanged.

    `kind` is the web name of the list: BizStep, Disp, BTT, SDT, ER, Comp.
    """
    value = web_form(value.strip())
    for start in (f"{CBV}{kind}-", f"cbv:{kind}-", f"http{CBV[5:]}{kind}-"):
        if value.startswith(start):
            return value.removeprefix(start)
    return value
