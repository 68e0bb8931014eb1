/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where exported objects are: in this process, across a transport of some kind in this process, or in a worker. What
 * holds for one holds for the others, and a test says it once. */

#pragma once

#include "ferry-test.h"
#include "shop-test.h"

G_BEGIN_DECLS

/* A kind of scene. To have another one keep to the same, add it to the table in object-scene.c. */
typedef struct _ObjectSceneKind ObjectSceneKind;

typedef struct
{
  const ObjectSceneKind *kind;
  FerryTransport *here;    /* (owned) (nullable): none where objects are called without one */
  FerryTransport *there;   /* (owned) (nullable): none where a worker has it */
  FerryExporter *exporter; /* (owned) (nullable): none where a worker has it, as the next */
  TestShop *shop;
  FerryRouter *router; /* (owned) (nullable): of a worker, as what follows */
  FerryLauncher *launcher;
  FerryWorker *worker;
  gboolean killed; /* the worker: it need not end in order */
} ObjectScene;

/* What is to hold. */
typedef struct
{
  const char *name;
  void (*func) (ObjectScene *scene);
} ObjectSceneFact;

/* Adds the tests /GROUP/KIND/FACT: of all kinds, of those that go over a transport, or of these where both ends are in
 * this process. */
void object_scene_add_facts (const char *group, const ObjectSceneFact *facts, guint n_facts);
void object_scene_add_near_facts (const char *group, const ObjectSceneFact *facts, guint n_facts);
void object_scene_add_remote_facts (const char *group, const ObjectSceneFact *facts, guint n_facts);

/* (transfer full): that listens. */
FerryProxy *object_scene_new_proxy (ObjectScene *self, const char *name);
gboolean object_scene_has_worker (ObjectScene *self);
/* A worker with the transport "objects", which becomes here. */
void object_scene_spawn (ObjectScene *self, const char *first_order, const char *second_order);
/* The same with another program, which becomes the object worker. */
void object_scene_spawn_program (ObjectScene *self, const char *program, const char *first_order,
                                 const char *second_order);
void object_scene_kill_worker (ObjectScene *self);
void object_scene_close (ObjectScene *self);

/* What a chain gave. */
typedef struct
{
  gboolean over;
  GVariant *value;    /* (owned) (nullable), as the next two */
  FerryProxy *object; /* a result that is one */
  GError *error;
} ObjectOutcome;

void object_outcome_clear (ObjectOutcome *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ObjectOutcome, object_outcome_clear)

/* Asks, and does not wait. */
void object_scene_ask (FerryProxy *proxy, GVariant *steps, gint64 timeout, GCancellable *cancellable,
                       ObjectOutcome *outcome);
void object_scene_ask_call (FerryProxy *proxy, const char *method, GVariant *arguments, ObjectOutcome *outcome);
/* Asks, and iterates the main context until it is answered. steps and options (nullable): as text. */
void object_scene_resolve (FerryProxy *proxy, const char *steps, const char *options, ObjectOutcome *outcome);
void object_scene_assert_gives (FerryProxy *proxy, const char *steps, const char *options, const char *text);
void object_scene_assert_fails (FerryProxy *proxy, const char *steps, const char *options, GQuark domain, int code);
/* The same of a call. */
void object_scene_assert_call (FerryProxy *proxy, const char *method, GVariant *arguments, const char *text);
void object_scene_assert_call_fails (FerryProxy *proxy, const char *method, GVariant *arguments, GQuark domain,
                                     int code);
/* Of additions of 1 that were asked for: waits for them, and asserts that each gave 1 more than the one before. */
void object_scene_assert_counted (ObjectOutcome *outcomes, guint n, int first);
/* What a chain gives, a number. */
guint object_scene_get_number (FerryProxy *proxy, const char *steps);

/* Of a function of the shop's that says a number of the object of that name: waits until it is that. */
void object_scene_wait_number (ObjectScene *self, const char *function, const char *name, guint number);
void object_scene_let_go (ObjectScene *self, const char *name);

G_END_DECLS
