"""Wire models of our own endpoints: what OpenAPI publishes, and what FastAPI checks on the way in and out.

They must not be database tables nor hold rules; EPCIS documents have no model here, since they pass as stored bytes.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from traceward.services.identity.principals import Right

ActionName = Literal["commission", "ship", "receive", "put_away", "transfer", "count", "use", "return"]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Paper = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:/%~-]{1,500}$")]


class _Request(BaseModel):
    """A body that clients send: unknown fields are refused, so that none is silently without effect."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class ProblemFinding(BaseModel):
    """One mistake: where it is, what it is, and the rule's clause."""

    path: str
    code: str
    message: str
    clause: str | None = None
    eventIndex: int | None = None
    severity: str = "error"


class Problem(BaseModel):
    """An RFC 7807 problem body."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemFinding] | None = None


ScannedData = Annotated[str, Field(min_length=1, max_length=4000)]


class ScanText(_Request):
    """A symbol that the client has decoded itself."""

    symbologyIdentifier: Annotated[str, Field(pattern=r"^\][A-Za-z][0-9A-Za-z]$")]
    text: Annotated[str, Field(min_length=1, max_length=4000)]


class ScanTexts(_Request):
    """The symbols of one label, or of one picture, that the client has decoded itself."""

    symbols: Annotated[list[ScanText], Field(min_length=1, max_length=100)]


class ElementStringBody(BaseModel):
    """One element string: application identifier, its title and its value."""

    ai: str
    title: str
    value: str


class ScanFinding(BaseModel):
    """What is wrong or doubtful in a symbol's content."""

    code: str
    severity: str
    message: str
    ai: str | None = None
    position: int | None = None


class UdiBody(BaseModel):
    """The unique device identification in a symbol; dates are ISO 8601."""

    issuingAgency: str
    di: str | None
    lotNumber: str | None
    serialNumber: str | None
    expirationDate: str | None
    manufacturingDate: str | None
    donationIdentificationNumber: str | None = None
    carrierHRF: str | None = None


class KnownThing(BaseModel):
    """What the caller's own book says of a thing on a label. product: its name. gone: what became of it, if it left.

    flags: what stands against it in the caller's stock, such as recalled.
    """

    product: str | None
    flags: list[str]
    gone: str | None


class ScannedSymbol(BaseModel):
    """One symbol, as read and as judged. position: four corners in pixels of the picture, clockwise."""

    symbologyIdentifier: str
    text: str
    engine: str | None
    confirmed: bool
    position: list[list[float]] | None
    elementStrings: list[ElementStringBody]
    findings: list[ScanFinding]
    udi: UdiBody | None
    epc: str | None
    epcClass: str | None
    known: KnownThing | None


class ScannedItem(BaseModel):
    """One physical item and what its symbols say together. symbols: their positions in the answer's list, from 0."""

    symbols: list[int]
    confirmed: bool
    elementStrings: list[ElementStringBody]
    findings: list[ScanFinding]
    udi: UdiBody | None
    epc: str | None
    epcClass: str | None
    known: KnownThing | None


class ScanAnswer(BaseModel):
    """All symbols of a picture, the items they stand on, and the stages that were tried to find them."""

    symbols: list[ScannedSymbol]
    items: list[ScannedItem]
    tried: list[str]
    elapsedMs: float


class PlaceRef(_Request):
    """A place by its GLN, with extension where it has one, or by its identifier (SGLN in either spelling)."""

    gln: Annotated[str, Field(pattern=r"^[0-9]{13}$")] | None = None
    extension: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    id: Text | None = None


class ActionItem(_Request):
    """What is acted on: the text of its label (or the texts of its symbols), an instance, or a class with a quantity.

    confirmed: false when the read of the label was doubtful; it is then taken only for a product that is known here.
    """

    elementString: ScannedData | None = None
    elementStrings: Annotated[list[ScannedData], Field(min_length=1, max_length=10)] | None = None
    confirmed: bool = True
    epc: Text | None = None
    epcClass: Text | None = None
    quantity: Annotated[float, Field(gt=0, le=1e15)] | None = None
    uom: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$")] | None = None
    typed: bool = False


class ActionRequest(_Request):
    """One consignment action. eventID and eventTime are made once by the client, so that a retry changes nothing.

    purchaseOrder, despatchAdvice: which order or delivery the goods belong to, as a URI or as the bare number.
    """

    action: ActionName
    place: PlaceRef
    items: Annotated[list[ActionItem], Field(min_length=1, max_length=1000)]
    source: PlaceRef | None = Field(default=None, alias="from")
    eventID: Text | None = None
    eventTime: Text | None = None
    eventTimeZoneOffset: Text | None = None
    counterparty: Text | None = None
    useType: Literal["implanted", "consumed", "wasted", "trial_not_used"] | None = None
    usageReport: Text | None = None
    agreement: Text | None = None
    reason: Text | None = None
    countScope: Literal["complete", "partial"] | None = None
    purchaseOrder: Paper | None = None
    despatchAdvice: Paper | None = None

    @model_validator(mode="after")
    def _papers_of_deliveries(self) -> "ActionRequest":
        if self.action not in {"ship", "receive"} and (self.purchaseOrder or self.despatchAdvice):
            raise ValueError("purchaseOrder and despatchAdvice go with the actions ship and receive alone")
        return self


class ActionWarning(BaseModel):
    """Something about an accepted action that its user should know."""

    code: str
    message: str


class ActionAnswer(BaseModel):
    """The event that was captured for an action; eventIDs: all of them, where items of several owners made several."""

    eventID: str
    event: dict[str, Any]
    eventIDs: list[str]
    warnings: list[ActionWarning]


class TakeBackRequest(_Request):
    """The action to take back, by the eventID that its answer gave."""

    eventID: Text


class TakenBack(BaseModel):
    """The events that are declared not to have happened, and the conflicts that they still raise."""

    eventIDs: list[str]
    warnings: list[ActionWarning]


class StockItem(BaseModel):
    """One balance: so much of an item, in one place, with one owner, holder and status."""

    item: str
    gtin: str | None
    lot: str | None
    serial: str | None
    expiry: str | None
    place: str | None
    container: str | None
    owner: str | None
    holder: str | None
    status: str
    quantity: str
    uom: str | None
    flags: list[str]
    expired: bool
    usable: bool
    lastSeen: str
    lastEventID: str | None


class WithNames(BaseModel):
    """An answer with the names of the ids that occur in it; products: by GTIN, those that are known."""

    places: dict[str, str]
    parties: dict[str, str]
    products: dict[str, str]


class StockAnswer(WithNames):
    """The caller's stock at one time."""

    asOf: str
    items: list[StockItem]


class OwnershipTransfer(BaseModel):
    """One passing of ownership, by the event that says so."""

    eventTime: str
    eventID: str
    from_: str | None = Field(serialization_alias="from", validation_alias="from")
    to: str | None
    item: str
    gtin: str | None
    lot: str | None
    serial: str | None
    quantity: str
    uom: str | None = None
    useType: str | None
    usageReport: str | None
    agreement: str | None = None
    voided: bool


class TransfersAnswer(BaseModel):
    """Ownership transfers in eventTime order."""

    transfers: list[OwnershipTransfer]


class PlaceBody(BaseModel):
    """A place and the name that its owner gave it."""

    id: str
    name: str


class PlacesAnswer(BaseModel):
    """The places of the caller's organisation."""

    places: list[PlaceBody]


class SignIn(_Request):
    """A key, exchanged for a session."""

    key: Annotated[str, Field(max_length=200)]


class SessionBody(BaseModel):
    """Who is signed in."""

    organisation: str
    organisationName: str
    role: str
    name: str
    place: str | None = None
    rights: list[str] = []


class ConfigBody(BaseModel):
    """What a client must know before sign-in."""

    demo: bool
    version: str


class OrganisationRequest(_Request):
    """A trading partner to be known to this server.

    takeOverPrefixes: what another organisation holds of its prefixes becomes its own, and is the other's no longer.
    """

    id: Text
    name: Text
    companyPrefixes: list[Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]] = []
    takeOverPrefixes: bool = False
    places: dict[str, str] = {}
    consignees: list[Text] = []
    kind: Literal["partner", "carrier"] = "partner"


class ConsignmentRequest(_Request):
    """Two organisations that have agreed on consignment: the consignee holds goods that the owner owns."""

    owner: Text
    consignee: Text


class OrganisationBody(BaseModel):
    """A known trading partner."""

    id: str
    name: str
    companyPrefixes: list[str]
    consignees: list[str] = []
    kind: str = "partner"


class KeyRequest(_Request):
    """A key to be made for an organisation's role."""

    organisation: Text
    role: Literal["admin", "clinical", "supply", "supplier", "carrier", "privacy_officer", "device", "reader"]
    name: Annotated[str, Field(max_length=200)] = ""
    expiresAt: Annotated[str | None, Field(description="A date (its end, UTC) or a date-time; absent: never")] = None
    place: Annotated[Text | None, Field(description="SGLN that the key is bound to; needed for a device")] = None
    rights: Annotated[list[Right] | None, Field(description="Those of the role's rights that the key has")] = None


class RotationRequest(_Request):
    """How long the old key still opens the door beside the new one."""

    overlapSeconds: Annotated[int, Field(ge=0, le=31 * 24 * 3600)] = 24 * 3600


class OwnRotationRequest(_Request):
    """How long the caller's old key goes on beside its new one: time enough to hand the new one out."""

    overlapSeconds: Annotated[int, Field(ge=3600, le=31 * 24 * 3600)]


class KeyBody(BaseModel):
    """A key as listed: never its secret."""

    id: str
    organisation: str
    role: str
    name: str
    createdAt: str
    expiresAt: str | None = None
    lastUsedAt: str | None = None
    place: str | None = None
    rights: list[str] | None = None
    successor: str | None = None


class NewKeyBody(KeyBody):
    """A key as made: the only time that its text is shown."""

    key: str


class SetupRequest(_Request):
    """The one-time code of a first run, and the organisation to begin with."""

    code: Annotated[str, Field(max_length=200)]
    organisation: OrganisationRequest | None = None
