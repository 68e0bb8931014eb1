/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records as eight bytes of an input order them. So a search reaches what bytes put in at random would not. */

#pragma once

#include "fuzz.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 kind;
  guint8 number;
  guint8 connection_id;
  guint8 payload; /* what it is made of */
  guint32 length;
} FuzzRecordOrder;

typedef struct
{
  guint8 kind;          /* 0: no record, but a buffer is dropped */
  guint8 number;        /* of the type; of kind 0: which buffer is dropped */
  guint8 connection_id; /* and 128: it is published with the next one */
  guint8 buffer;        /* its number */
  guint8 place;         /* of the buffer, in quarters of a page; 255: as far away as can be */
  guint8 rest;          /* length of the record's payload beyond the message; of a large one, bits: 1 it lies in the
                         * buffer, 2 is of a type, 4 is not as long as that */
  guint16 size;         /* of the buffer; 65535: the largest there is. Or of what else it is */
} FuzzBufferOrder;

/* They write the payload of an order. They return its length. */
gsize fuzz_record_order_write (const FuzzRecordOrder *self, guint8 *payload);
gsize fuzz_buffer_order_write (const FuzzBufferOrder *self, guint8 *payload);

G_END_DECLS
