// SPDX-License-Identifier: LGPL-2.1-or-later
// What a program on the JavaScript client does: objects, patches, watches, an informer, untyped objects, applying a manifest's objects, logs.
// Usage: node --test client.js, with KUBECONFIG naming the cluster's administrator.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppsV1Api, ApiException, CoreV1Api, KubeConfig, KubernetesObjectApi, PatchStrategy, VersionApi, Watch, makeInformer, setHeaderOptions } from '@kubernetes/client-node';

const namespace = 'javascript';
const config = new KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(CoreV1Api);

async function until(condition) {
  const end = Date.now() + 20000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert(Date.now() < end, 'not in time');
    await sleep(20);
  }
}

const configMap = (name, data, labels) => ({ metadata: { name, labels }, data });
const refused = (code) => (error) => error instanceof ApiException && error.code === code;

before(async () => {
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await until(async () => (await core.listNamespacedServiceAccount({ namespace })).items.length > 0);
});

after(async () => {
  await core.deleteNamespace({ name: namespace });
});

test('version', async () => {
  const version = await config.makeApiClient(VersionApi).getCode();
  assert.equal(`${version.major}.${version.minor}`, '1.36');
});

test('the life of an object', async () => {
  const made = await core.createNamespacedConfigMap({ namespace, body: configMap('life', { a: '1', umlaut: 'ü' }) });
  assert.ok(made.metadata.creationTimestamp instanceof Date);
  made.data.a = '2';
  const replaced = await core.replaceNamespacedConfigMap({ namespace, name: 'life', body: made });
  assert.deepEqual(await core.readNamespacedConfigMap({ namespace, name: 'life' }), replaced);
  await assert.rejects(core.replaceNamespacedConfigMap({ namespace, name: 'life', body: made }), refused(409));
  await core.deleteNamespacedConfigMap({ namespace, name: 'life' });
  await assert.rejects(core.readNamespacedConfigMap({ namespace, name: 'life' }), refused(404));
});

test('the three patches', async () => {
  await core.createNamespacedConfigMap({ namespace, body: configMap('patched', { a: '1', b: '2' }) });
  const patch = async (kind, body) => (await core.patchNamespacedConfigMap({ namespace, name: 'patched', body }, setHeaderOptions('Content-Type', kind))).data;
  assert.deepEqual(await patch(PatchStrategy.JsonPatch, [{ op: 'remove', path: '/data/b' }, { op: 'add', path: '/data/c', value: '3' }]), { a: '1', c: '3' });
  assert.deepEqual(await patch(PatchStrategy.MergePatch, { data: { a: null } }), { c: '3' });
  assert.deepEqual(await patch(PatchStrategy.StrategicMergePatch, { data: { $patch: 'replace', d: '4' } }), { d: '4' });
});

test('a watch', async () => {
  const list = await core.listNamespacedConfigMap({ namespace });
  const events = [];
  const watch = new Watch(config);
  const request = await watch.watch(`/api/v1/namespaces/${namespace}/configmaps`, { resourceVersion: list.metadata.resourceVersion, labelSelector: 'watched' },
    (type, object) => events.push(`${type} ${object.metadata.name}`), () => {});
  await core.createNamespacedConfigMap({ namespace, body: configMap('watched', {}, { watched: 'yes' }) });
  await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
  await until(() => events.length === 2);
  request.abort();
  assert.deepEqual(events, ['ADDED watched', 'DELETED watched']);
});

test('an informer', async () => {
  const events = [];
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () => core.listNamespacedConfigMap({ namespace, labelSelector: 'informed' }), 'informed');
  for (const verb of ['add', 'update', 'delete']) informer.on(verb, (object) => events.push(`${verb} ${object.metadata.name}`));
  informer.on('error', () => {});
  await core.createNamespacedConfigMap({ namespace, body: configMap('informed', {}, { informed: 'yes' }) });
  await informer.start();
  await until(() => events.includes('add informed'));
  await core.patchNamespacedConfigMap({ namespace, name: 'informed', body: { data: { a: 'b' } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
  await until(() => events.includes('update informed'));
  await core.deleteNamespacedConfigMap({ namespace, name: 'informed' });
  await until(() => events.includes('delete informed'));
  await informer.stop();
});

test('untyped objects and a rollout', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const labels = { app: 'web' };
  const spec = { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }] } } };
  const made = await objects.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace }, spec });
  assert.equal(made.spec.replicas, 2);
  await until(async () => (await objects.read(made)).status.availableReplicas === 2);
  await config.makeApiClient(AppsV1Api).patchNamespacedDeploymentScale({ namespace, name: 'web', body: { spec: { replicas: 1 } } },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
  await until(async () => (await objects.read(made)).status.replicas === 1);
  assert.equal((await objects.list('v1', 'Pod', namespace, undefined, undefined, undefined, undefined, 'app=web')).items.length >= 1, true);
  await objects.delete(made);
  await until(async () => (await core.listNamespacedPod({ namespace, labelSelector: 'app=web' })).items.length === 0);
});
