// Captures one event of each type with epcis2.js as published, alone and together, and prints what came of it as JSON.
// usage: node epcis2_events.cjs FOLDER_WITH_NODE_MODULES API_URL KEY
const { createRequire } = require('node:module');
const [folder, apiUrl, key] = process.argv.slice(2);
const epcis = createRequire(`${folder}/`)('epcis2.js');

epcis.setup({
  apiUrl,
  headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
  eventTimeZoneOffset: '+02:00',
  EPCISDocumentContext: 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld',
});

const item = (serial) => `https://id.gs1.org/01/04012345000016/21/${serial}`;
const place = 'urn:epc:id:sgln:4012345.00001.0';
const context = { example: 'https://ns.example.com/epcis/' };

function common(event, minute) {
  return event
    .setEventTime(`2020-05-05T12:${String(minute).padStart(2, '0')}:00.000+02:00`)
    .setReadPoint(place)
    .addBizTransaction(new epcis.BizTransactionElement().setType('po').setBizTransaction('urn:epcglobal:cbv:bt:4012345000009:1'))
    .addSource(new epcis.SourceElement().setType('owning_party').setSource('urn:epc:id:pgln:4012345.00000'))
    .addDestination(new epcis.DestinationElement().setType('owning_party').setDestination('urn:epc:id:pgln:4023456.00000'))
    .addExtension('example:shift', 'night');
}

const objectEvent = common(new epcis.ObjectEvent(), 1)
  .setAction('ADD')
  .setBizStep('commissioning')
  .setDisposition('active')
  .addEPC(item('JS1'))
  .addQuantity(new epcis.QuantityElement().setEpcClass('urn:epc:class:lgtin:4012345.000001.LOT1').setQuantity(3.5).setUom('KGM'))
  .setPersistentDisposition(new epcis.PersistentDisposition().addSet('completeness_verified'))
  .setIlmd(new epcis.Ilmd().addExtension('cbvmda:lotNumber', 'LOT1'))
  .addSensorElement(
    new epcis.SensorElement()
      .setSensorMetadata(new epcis.SensorMetadata().setTime('2020-05-05T10:00:00.000Z'))
      .addSensorReport(new epcis.SensorReportElement().setType('Temperature').setValue(26.5).setUom('CEL')),
  );
const aggregationEvent = common(new epcis.AggregationEvent(), 2)
  .setAction('ADD')
  .setBizStep('packing')
  .setParentId('urn:epc:id:sscc:4012345.0000000001')
  .addChildEPC(item('JS1'));
const transactionEvent = common(new epcis.TransactionEvent(), 3).setAction('ADD').addEPC(item('JS1'));
const transformationEvent = common(new epcis.TransformationEvent(), 4).addInputEPC(item('JS1')).addOutputEPC(item('JS2'));
const associationEvent = common(new epcis.AssociationEvent(), 5)
  .setAction('ADD')
  .setParentId('urn:epc:id:giai:4012345.JSPARENT')
  .addChildEPC('urn:epc:id:giai:4012345.JSCHILD');
const events = [objectEvent, aggregationEvent, transactionEvent, transformationEvent, associationEvent];

async function submit(document) {
  const answer = await epcis.capture(document);
  if (answer.status !== 202) {
    return { status: answer.status, problem: await answer.text() };
  }
  const response = new epcis.CaptureResponse(answer);
  await response.pollForTheCaptureToFinish(20, 100);
  return {
    status: answer.status,
    running: response.getRunningStatus(),
    success: response.getSuccessStatus(),
    errors: response.getErrors(),
  };
}

function documentOf(list) {
  const document = new epcis.EPCISDocument().setContext([context]).setCreationDate('2020-05-05T12:30:00Z');
  list.forEach((event) => document.addEvent(event));
  return document;
}

function masterData() {
  const element = new epcis.VocabularyElement()
    .setId('https://id.gs1.org/414/4012345000016')
    .addAttribute(new epcis.AttributeElement().setId('cbvmda:site').setAttribute('Store'));
  const vocabulary = new epcis.Vocabulary().setType('urn:epcglobal:epcis:vtype:BusinessLocation').addVocabularyElement(element);
  return new epcis.EPCISHeader().setEPCISMasterData(new epcis.EPCISMasterData().addVocabulary(vocabulary));
}

async function main() {
  events.forEach((event, number) => event.setEventID(`urn:uuid:5bb6aa63-7a24-4d5e-9d40-00000000000${number}`));
  const alone = {};
  for (const event of events) {
    alone[event.getType()] = await submit(documentOf([event]));
  }
  const again = await submit(documentOf(events));
  const unnamed = new epcis.ObjectEvent()
    .setEventTime('2020-05-05T12:07:00.5+02:00')
    .setAction('OBSERVE')
    .setBizStep('storing')
    .setDisposition('in_progress')
    .setReadPoint(place)
    .addEPCList([item('JS4'), item('JS3')])
    .addExtension('example:shift', 'night');
  const hash = new epcis.ObjectEvent(unnamed.toObject()).generateHashID(context).getEventID();
  const withoutId = await submit(documentOf([unnamed]));
  const header = await submit(documentOf([objectEvent]).setEPCISHeader(masterData()));
  const declared = new epcis.ObjectEvent(objectEvent.toObject()).setErrorDeclaration(
    new epcis.ErrorDeclaration().setDeclarationTime('2020-05-06T00:00:00.000Z').setReason('incorrect_data'),
  );
  const correction = await submit(documentOf([declared]));
  const wrong = await epcis.capture(documentOf([new epcis.ObjectEvent(objectEvent.toObject()).setBizStep('flying')]), {
    documentValidation: false,
  });
  const refusal = { status: wrong.status, problem: await wrong.json() };
  const sent = events.map((event) => event.toObject());
  process.stdout.write(JSON.stringify({ alone, again, withoutId, hash, header, correction, refusal, sent }));
}

main().catch((error) => {
  process.stderr.write(`${error && error.stack ? error.stack : error}\n`);
  process.exit(1);
});
