/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker is told of its sandbox, as text in its environment. One thread at a time. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  guint32 layers;        /* FERRY_LAYER_* bits: the layers to enter */
  guint32 required;      /* FERRY_LAYER_* bits: the worker runs only with these */
  gboolean network;      /* whether the network is granted */
  guint64 address_space; /* how many bytes may be mapped after the start; 0: no limit of memory */
  GPtrArray *read_only;  /* (owned) (element-type filename): absolute paths to read */
  GPtrArray *writable;   /* (owned) (element-type filename): absolute paths to write */
} FerrySandboxMessage;

FerrySandboxMessage *ferry_sandbox_message_new (void);
/* (transfer full) (nullable): reads a message from text. Returns NULL for a text that does not follow the format. */
FerrySandboxMessage *ferry_sandbox_message_new_from_text (const char *text);
char *ferry_sandbox_message_to_text (const FerrySandboxMessage *self);
void ferry_sandbox_message_free (FerrySandboxMessage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySandboxMessage, ferry_sandbox_message_free)

G_END_DECLS
