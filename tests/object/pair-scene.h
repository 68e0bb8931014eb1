/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two connected ends in this process: an exporter of one object at one of them, and a proxy at the other. */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

/* Where the object's methods are called, or on so many threads. */
#define PAIR_SCENE_CONTEXT (-1)
#define PAIR_SCENE_RECEIVING 0

typedef struct
{
  FerryTransport *here;  /* (owned) */
  FerryTransport *there; /* (owned) */
  FerryExporter *exporter;
  FerryInterface *interface; /* (owned) */
  gpointer object;           /* (owned) */
  gboolean local;            /* whether its proxies do without the transport; set before it is opened */
  FerryProxy *proxy;
} PairScene;

/* Exports the object, and its type. place: see above. Takes interface and object. */
void pair_scene_open (PairScene *self, int place, const char *name, FerryInterface *interface, gpointer object);
/* (transfer full) */
FerryProxy *pair_scene_new_proxy (PairScene *self, const char *name);
void pair_scene_wait_listening (PairScene *self);
/* Waits until the other end has dropped all references that it was given. */
void pair_scene_wait_dropped (PairScene *self);
/* Waits for that, and until the object is gone. */
void pair_scene_close (PairScene *self);
/* The same, but closes the transport first, whatever is on its way. */
void pair_scene_cut (PairScene *self);

G_END_DECLS
