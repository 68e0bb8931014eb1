/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter that is asked manually, without proxies: any request, over each of two transports. */

#pragma once

#include "ferry-test.h"
#include "shop-test.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryTransport *here[2];  /* (owned) */
  FerryTransport *there[2]; /* (owned) */
  FerryMux *muxes[2];       /* (owned) */
  FerryExporter *exporter;
  TestShop *shop;
  GListStore *list; /* of counters, exported as “list” */
} HostileObject;

/* threads: so many for each transport, or 0 for the main context. */
HostileObject *hostile_object_new (guint threads);
/* An honest caller is answered, and nothing is left of what the others got. */
void hostile_object_free (HostileObject *self);
/* A new one in the place of the exporter, with the same objects' names. */
void hostile_object_restart (HostileObject *self);

typedef struct
{
  gboolean over;
  GVariant *value; /* (owned) (nullable) */
  GError *error;   /* (owned) (nullable) */
} HostileAnswer;

void hostile_answer_clear (HostileAnswer *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HostileAnswer, hostile_answer_clear)

/* Asks, and iterates the main context until it is answered. */
void hostile_object_ask (HostileObject *self, guint index, const char *method, GVariant *arguments,
                         HostileAnswer *answer);
void hostile_object_assert_fails (HostileObject *self, guint index, const char *method, GVariant *arguments, int code);
/* Returns (transfer floating): a view of the object of that name; steps is an array “a(ysmv)”, as text. */
GVariant *hostile_object_view (const char *name, const char *steps);
/* The same of a reference. */
GVariant *hostile_object_view_number (guint64 generation, guint64 number, const char *steps);
/* Has an object made, and gives its reference. */
void hostile_object_make (HostileObject *self, guint index, guint64 *generation, guint64 *number);
void hostile_object_tell (HostileObject *self, guint index, const char *method, GVariant *arguments);
/* An honest caller is answered. */
void hostile_object_assert_answers (HostileObject *self, guint index);

G_END_DECLS
