/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object that lives in another process, and widgets that are bound to it, both ways.
 *
 * The proxy stands for the object. Its replica is an object of this process with the same properties, which the proxy
 * keeps the same as those of the object: what one sets here is set there, and the other way round. So a slider is bound
 * to the replica as to any object. The log is a list of the worker, and its replica is a model for a list view.
 *
 * A worker that ends is followed by another one at the user's wish. Proxies, replicas and bindings go on with that one.
 *
 * A picture is asked for in a frame after the object has changed. While one is on its way, no other is asked for. So a
 * slow worker costs pictures, and a plate that stands still costs nothing. */

#include <ferry-gtk.h>
#include <ferry-objects.h>
#include <glib/gi18n.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-message.h"
#include "app/ferry-demo-pages.h"
#include "app/ferry-demo-window.h"
#include "object/ferry-demo-heat.h"

#define CALL_TIME (10 * G_USEC_PER_SEC)
#define SINGLE_STEPS 100u
/* So many calls keep the worker busy while it is killed. */
#define KILL_CALLS 5
#define N_SETTINGS 3
#define SETTING_MARGIN 12

#define FERRY_DEMO_TYPE_OBJECT_PAGE (ferry_demo_object_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoObjectPage, ferry_demo_object_page, FERRY_DEMO, OBJECT_PAGE, AdwBin)

struct _FerryDemoObjectPage
{
  AdwBin parent_instance;

  FerryRouter *router;
  FerryLauncher *launcher;
  FerryWorker *worker; /* from its launch until its end was told */
  FerryProxy *proxy;   /* this and the next are there from the first launch on */
  FerryProxy *log_proxy;
  FerryDemoHeat *replica;
  FerryListReplica *log;
  guint n_pending;   /* calls that have not called back */
  const char *end;   /* (nullable): how the last worker ended, in words */
  guint n_failed;    /* calls of the last worker, with its end */
  gboolean is_begun; /* the plate of this worker has its first heat sources */
  gboolean rests;    /* time was stopped because the page was hidden */

  guint tick_callback;
  gboolean is_rendering; /* a picture is on its way */
  gboolean is_stale;     /* and is older than the plate */

  GtkPicture *plate;
  GtkWidget *spinner;
  GtkLabel *black_label;
  GtkLabel *white_label;
  GtkLabel *figures_label;
  GtkWidget *left;
  GtkLabel *state_label;
  GtkWidget *kill_button;
  GtkWidget *again_button;
  GtkListBox *settings;
  GtkSwitch *running_switch;
  GtkWidget *scales[N_SETTINGS];
  GtkNoSelection *log_model;
  GtkWidget *log_list;
};

G_DEFINE_FINAL_TYPE (FerryDemoObjectPage, ferry_demo_object_page, ADW_TYPE_BIN)

static void show_state (FerryDemoObjectPage *self);

static gboolean
is_live (FerryDemoObjectPage *self)
{
  return self->worker != NULL && ferry_proxy_get_listening (self->proxy);
}

/* ---- calls ---- */

static gboolean
is_end (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

/* (nullable) (transfer full): what the call gave; calls that their worker has taken along are counted. */
static GVariant *
finish_call (FerryDemoObjectPage *self, GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  self->n_pending--;
  if (ferry_proxy_call_finish (FERRY_PROXY (source), result, &value, NULL, &error))
    return value;
  if (is_end (error))
    {
      self->n_failed++;
      show_state (self);
    }
  else if (gtk_widget_get_root (GTK_WIDGET (self)) != NULL)
    ferry_demo_tell (GTK_WIDGET (self), error->message, NULL);
  return NULL;
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoObjectPage) self = user_data;
  g_autoptr (GVariant) value = finish_call (self, source, result);
}

static void
call (FerryDemoObjectPage *self, const char *method, GVariant *arguments, GAsyncReadyCallback callback)
{
  g_autoptr (GVariant) owned = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;

  if (!is_live (self))
    return;
  self->n_pending++;
  ferry_proxy_call_async (self->proxy, method, owned, CALL_TIME, NULL, callback, g_object_ref (self));
}

static void
step (GtkWidget *widget, const char *action, GVariant *parameter)
{
  call (FERRY_DEMO_OBJECT_PAGE (widget), FERRY_DEMO_HEAT_STEP, g_variant_new ("(u)", SINGLE_STEPS), called_cb);
}

static void
reset (GtkWidget *widget, const char *action, GVariant *parameter)
{
  call (FERRY_DEMO_OBJECT_PAGE (widget), FERRY_DEMO_HEAT_RESET, NULL, called_cb);
}

/* A place from 0 to 1, from the left and from above. */
static void
add_source_at (FerryDemoObjectPage *self, double x, double y)
{
  guint column = (guint) (CLAMP (x, 0.0, 0.999) * FERRY_DEMO_HEAT_WIDTH);
  guint row = (guint) (CLAMP (y, 0.0, 0.999) * FERRY_DEMO_HEAT_HEIGHT);

  call (self, FERRY_DEMO_HEAT_ADD_SOURCE, g_variant_new ("(uu)", column, row), called_cb);
}

static void
add_source (GtkWidget *widget, const char *action, GVariant *parameter)
{
  add_source_at (FERRY_DEMO_OBJECT_PAGE (widget), g_random_double (), g_random_double ());
}

/* The picture is in the middle of its widget. */
static void
pressed_cb (FerryDemoObjectPage *self, int n_presses, double x, double y)
{
  double width = gtk_widget_get_width (GTK_WIDGET (self->plate));
  double height = gtk_widget_get_height (GTK_WIDGET (self->plate));
  double scale = MIN (width / FERRY_DEMO_HEAT_WIDTH, height / FERRY_DEMO_HEAT_HEIGHT);

  add_source_at (self, 0.5 + (x - width / 2.0) / (scale * FERRY_DEMO_HEAT_WIDTH),
                 0.5 + (y - height / 2.0) / (scale * FERRY_DEMO_HEAT_HEIGHT));
}

/* ---- pictures ---- */

/* What comes from another process may be anything. */
static void
show_picture (FerryDemoObjectPage *self, GVariant *value)
{
  g_autoptr (GVariant) frame = NULL, data = NULL;
  g_autoptr (GBytes) pixels = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  g_autofree char *black_text = NULL, *white_text = NULL;
  double black, white;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("(" FERRY_DEMO_HEAT_RENDER_RESULT ")")))
    return;
  g_variant_get (value, "(@(uuus)dd@ay)", &frame, &black, &white, &data);
  pixels = g_variant_get_data_as_bytes (data);
  texture = ferry_remote_picture_make_texture (frame, pixels, NULL);
  if (texture == NULL)
    return;
  gtk_picture_set_paintable (self->plate, GDK_PAINTABLE (texture));
  black_text = g_strdup_printf ("%.0f °C", black);
  white_text = g_strdup_printf ("%.0f °C", white);
  gtk_label_set_text (self->black_label, black_text);
  gtk_label_set_text (self->white_label, white_text);
}

static void want_picture (FerryDemoObjectPage *self);

static void
rendered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoObjectPage) self = user_data;
  g_autoptr (GVariant) value = finish_call (self, source, result);

  self->is_rendering = FALSE;
  if (self->router == NULL)
    return;
  if (value != NULL)
    show_picture (self, value);
  if (self->is_stale)
    want_picture (self);
}

static void
show_figures (FerryDemoObjectPage *self)
{
  double time, steps, mean, highest, n_sources;
  g_autofree char *step_words = NULL, *source_words = NULL, *words = NULL;

  g_object_get (self->replica, "time", &time, "steps", &steps, "mean-temperature", &mean, "max-temperature", &highest,
                "n-sources", &n_sources, NULL);
  step_words = ferry_demo_format_counted ((guint64) steps, ngettext ("%s step", "%s steps", (gulong) steps));
  source_words =
    ferry_demo_format_counted ((guint64) n_sources, ngettext ("%s heat source", "%s heat sources", (gulong) n_sources));
  words = g_strdup_printf (_ ("%.1f s in %s, %s, mean %.1f °C, hottest %.1f °C"), time, step_words, source_words, mean,
                           highest);
  gtk_label_set_text (self->figures_label, words);
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);

  self->tick_callback = 0;
  show_figures (self);
  if (is_live (self))
    {
      self->is_rendering = TRUE;
      self->is_stale = FALSE;
      call (self, FERRY_DEMO_HEAT_RENDER, NULL, rendered_cb);
    }
  return G_SOURCE_REMOVE;
}

static void
want_picture (FerryDemoObjectPage *self)
{
  self->is_stale = TRUE;
  if (!self->is_rendering && self->tick_callback == 0 && gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->tick_callback = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

static void
stop_ticking (FerryDemoObjectPage *self)
{
  if (self->tick_callback != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick_callback);
  self->tick_callback = 0;
}

/* ---- what is bound to the replica ---- */

static const struct
{
  const char *property;
  const char *title;
  const char *unit;
  const char *tooltip;
} settings[N_SETTINGS] = {
  {"conductivity", N_ ("Conductivity"), N_ ("W/(m·K)"),
   N_ ("How well the plate conducts heat: steel about 50, copper 400")},
  {"source-power", N_ ("Power"), N_ ("W"), N_ ("How much heat each heat source gives")},
  {"speed", N_ ("Speed"), N_ ("steps/s"), N_ ("Time steps a second that the worker is to compute")},
};

/* Name and value stand above the scale, which has the whole width. */
static void
add_setting (FerryDemoObjectPage *self, guint i)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *scale = gtk_scale_new (GTK_ORIENTATION_HORIZONTAL, NULL);
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", _ (settings[i].title), "xalign", 0.0, "wrap", TRUE,
                                   "margin-start", SETTING_MARGIN, NULL);
  GtkWidget *row = g_object_new (GTK_TYPE_LIST_BOX_ROW, "child", box, "activatable", FALSE, "focusable", FALSE,
                                 "tooltip-text", _ (settings[i].tooltip), NULL);

  gtk_widget_set_margin_top (box, SETTING_MARGIN);
  gtk_widget_add_css_class (label, "numeric");
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), scale);
  gtk_accessible_update_property (GTK_ACCESSIBLE (scale), GTK_ACCESSIBLE_PROPERTY_LABEL, _ (settings[i].title), -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, _ (settings[i].title), -1);
  gtk_list_box_append (self->settings, row);
  self->scales[i] = scale;
}

static void
show_value (GtkWidget *scale, gpointer i)
{
  const char *title = _ (settings[GPOINTER_TO_UINT (i)].title), *unit = _ (settings[GPOINTER_TO_UINT (i)].unit);
  g_autofree char *value = g_strdup_printf ("%.0f %s", gtk_range_get_value (GTK_RANGE (scale)), unit);
  g_autofree char *words = g_strdup_printf (_ ("%s: %s"), title, value);

  gtk_label_set_text (GTK_LABEL (gtk_widget_get_prev_sibling (scale)), words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (scale), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, value, -1);
}

/* The limits are those of the property. */
static void
bind_setting (FerryDemoObjectPage *self, guint i)
{
  GtkRange *scale = GTK_RANGE (self->scales[i]);
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (self->replica), settings[i].property);

  g_signal_connect (scale, "value-changed", G_CALLBACK (show_value), GUINT_TO_POINTER (i));
  gtk_range_set_range (scale, G_PARAM_SPEC_DOUBLE (pspec)->minimum, G_PARAM_SPEC_DOUBLE (pspec)->maximum);
  gtk_range_set_round_digits (scale, 0);
  g_object_bind_property (self->replica, settings[i].property, gtk_range_get_adjustment (scale), "value",
                          G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
}

/* The replica has the object's value again. */
static void
set_failed_cb (FerryDemoObjectPage *self, const char *property, const GError *error)
{
  if (!is_end (error))
    ferry_demo_tell (GTK_WIDGET (self), error->message, NULL);
}

static void listening_cb (FerryDemoObjectPage *self);

static gboolean
connect (FerryDemoObjectPage *self, GError **error)
{
  g_autoptr (FerryTransport) transport =
    ferry_launcher_add_transport (self->launcher, self->router, FERRY_DEMO_HEAT_TRANSPORT, error);

  if (transport == NULL)
    return FALSE;
  self->proxy = ferry_proxy_new (transport, FERRY_DEMO_HEAT_OBJECT);
  g_signal_connect_object (self->proxy, "notify::listening", G_CALLBACK (listening_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->proxy, "set-failed", G_CALLBACK (set_failed_cb), self, G_CONNECT_SWAPPED);
  self->replica = FERRY_DEMO_HEAT (ferry_proxy_create_replica (self->proxy, FERRY_DEMO_TYPE_HEAT, NULL));
  g_signal_connect_object (self->replica, "notify", G_CALLBACK (want_picture), self, G_CONNECT_SWAPPED);
  for (guint i = 0; i < N_SETTINGS; i++)
    bind_setting (self, i);
  g_object_bind_property (self->replica, "running", self->running_switch, "active",
                          G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);

  self->log_proxy = ferry_proxy_new (transport, FERRY_DEMO_LOG_OBJECT);
  self->log = ferry_list_replica_new (self->log_proxy);
  gtk_no_selection_set_model (self->log_model, G_LIST_MODEL (self->log));
  return TRUE;
}

/* ---- the log ---- */

/* A log that shows its end keeps showing its end when lines are added. */
static void
log_changed_cb (FerryDemoObjectPage *self, guint position, guint n_removed, guint n_added)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->log_model));

  if (n_added > 0 && position + n_added == n_items)
    gtk_widget_activate_action (self->log_list, "list.scroll-to-item", "u", n_items - 1);
}

static void
show_row (GtkLabel *label, GParamSpec *pspec, FerryListRow *row)
{
  GVariant *value = ferry_list_row_get_loaded (row) ? ferry_list_row_get_value (row) : NULL;
  g_autofree char *words = NULL;
  const char *text;
  double time;

  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE (FERRY_DEMO_LOG_ROW_TYPE)))
    {
      g_variant_get (value, "(d&s)", &time, &text);
      words = g_strdup_printf (_ ("%.1f s: %s"), time, text);
    }
  gtk_label_set_text (label, words != NULL ? words : "…");
}

static void
setup_row_cb (FerryDemoObjectPage *self, GtkListItem *item)
{
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0, "wrap", TRUE, NULL);

  gtk_widget_add_css_class (label, "numeric");
  gtk_list_item_set_child (item, label);
}

static void
bind_row_cb (FerryDemoObjectPage *self, GtkListItem *item)
{
  GtkWidget *label = gtk_list_item_get_child (item);
  FerryListRow *row = gtk_list_item_get_item (item);

  g_signal_connect_object (row, "notify", G_CALLBACK (show_row), label, G_CONNECT_SWAPPED);
  show_row (GTK_LABEL (label), NULL, row);
}

static void
unbind_row_cb (FerryDemoObjectPage *self, GtkListItem *item)
{
  g_signal_handlers_disconnect_by_func (gtk_list_item_get_item (item), show_row, gtk_list_item_get_child (item));
}

/* ---- workers ---- */

/* Time goes on while the page is seen. A new plate has two sources, so that there is something to be seen at once. */
static void
follow (FerryDemoObjectPage *self)
{
  gboolean is_mapped = gtk_widget_get_mapped (GTK_WIDGET (self));

  if (!is_live (self))
    return;
  if (is_mapped && !self->is_begun)
    {
      self->is_begun = TRUE;
      add_source_at (self, 0.33, 0.5);
      add_source_at (self, 0.75, 0.33);
      gtk_switch_set_active (self->running_switch, TRUE);
    }
  else if (is_mapped ? self->rests : gtk_switch_get_active (self->running_switch))
    {
      self->rests = !is_mapped;
      gtk_switch_set_active (self->running_switch, is_mapped);
    }
}

static void
listening_cb (FerryDemoObjectPage *self)
{
  show_state (self);
  follow (self);
}

static void
ended_cb (FerryDemoObjectPage *self, FerryExit *ended, FerryWorker *worker)
{
  if (worker != self->worker)
    return;
  g_message ("%s", ferry_exit_get_message (ended));
  self->end = ferry_demo_describe_end (ended);
  g_clear_object (&self->worker);
  show_state (self);
}

static void
start (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);
  g_autoptr (GError) error = NULL;

  if (self->worker != NULL)
    return;
  self->end = NULL;
  self->n_failed = 0;
  self->is_begun = self->rests = FALSE;
  if (self->proxy != NULL || connect (self, &error))
    self->worker = ferry_launcher_spawn_again (self->launcher, self->router, &error);
  if (self->worker != NULL)
    g_signal_connect_object (self->worker, "ended", G_CALLBACK (ended_cb), self, G_CONNECT_SWAPPED);
  else
    {
      g_message ("%s", error->message);
      self->end = ferry_demo_describe_end (NULL);
    }
  show_state (self);
}

/* With some calls under way, which fail then. */
static void
kill_worker (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);

  for (guint i = 0; i < KILL_CALLS; i++)
    call (self, FERRY_DEMO_HEAT_STEP, g_variant_new ("(u)", 5 * SINGLE_STEPS), called_cb);
  if (self->worker != NULL)
    ferry_worker_force_exit (self->worker);
}

static void
drop_all (FerryDemoObjectPage *self)
{
  if (self->worker != NULL)
    ferry_worker_force_exit (self->worker);
  g_clear_object (&self->worker);
  g_clear_object (&self->log);
  g_clear_object (&self->replica);
  g_clear_object (&self->log_proxy);
  g_clear_object (&self->proxy);
}

/* Returns when the worker has ended and all calls have, and dispatches the main context until then. */
static void
stop (FerryDemoObjectPage *self)
{
  g_autoptr (FerryWorker) worker = self->worker != NULL ? g_object_ref (self->worker) : NULL;

  drop_all (self);
  while (self->n_pending > 0 || (worker != NULL && ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED))
    g_main_context_iteration (NULL, TRUE);
}

/* Of a worker that was lost: what that has cost. */
static char *
describe_state (FerryDemoObjectPage *self)
{
  g_autofree char *calls = NULL;

  if (is_live (self))
    return g_strdup_printf (_ ("It lives in process %s."), ferry_worker_get_identifier (self->worker));
  if (self->worker != NULL || self->end == NULL)
    return g_strdup (_ ("Connecting…"));
  calls = ferry_demo_format_counted (self->n_failed,
                                     ngettext ("%s call failed with it.", "%s calls failed with it.", self->n_failed));
  return g_strconcat (self->end, self->n_failed > 0 ? " " : "", self->n_failed > 0 ? calls : "", NULL);
}

static void
show_state (FerryDemoObjectPage *self)
{
  static const char *const actions[] = {"object.step", "object.reset", "object.add-source"};
  gboolean live = is_live (self);
  g_autofree char *words = describe_state (self);

  /* The page is gone. */
  if (self->router == NULL)
    return;
  gtk_label_set_text (self->state_label, words);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), actions[i], live);
  gtk_widget_set_sensitive (GTK_WIDGET (self->settings), live);
  /* A box that flows keeps the focus where it is, instead of passing it on, if a child has nothing that takes it. */
  gtk_widget_set_sensitive (self->left, live);
  gtk_widget_set_visible (self->kill_button, self->worker != NULL);
  gtk_widget_set_visible (self->again_button, self->worker == NULL);
  gtk_widget_set_visible (self->spinner, self->worker != NULL && !live);
  if (live)
    want_picture (self);
}

/* ---- the page itself ---- */

static void
ferry_demo_object_page_map (GtkWidget *widget)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_object_page_parent_class)->map (widget);
  if (self->proxy == NULL)
    start (widget, NULL, NULL);
  follow (self);
  want_picture (self);
}

static void
ferry_demo_object_page_unmap (GtkWidget *widget)
{
  stop_ticking (FERRY_DEMO_OBJECT_PAGE (widget));
  GTK_WIDGET_CLASS (ferry_demo_object_page_parent_class)->unmap (widget);
  follow (FERRY_DEMO_OBJECT_PAGE (widget));
}

static void
ferry_demo_object_page_dispose (GObject *object)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (object);

  stop_ticking (self);
  drop_all (self);
  g_clear_object (&self->launcher);
  g_clear_object (&self->router);
  G_OBJECT_CLASS (ferry_demo_object_page_parent_class)->dispose (object);
}

static void
ferry_demo_object_page_class_init (FerryDemoObjectPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_object_page_dispose;
  widget_class->map = ferry_demo_object_page_map;
  widget_class->unmap = ferry_demo_object_page_unmap;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-object-page.ui");
#define BIND(child) gtk_widget_class_bind_template_child (widget_class, FerryDemoObjectPage, child)
  BIND (plate);
  BIND (spinner);
  BIND (black_label);
  BIND (white_label);
  BIND (figures_label);
  BIND (left);
  BIND (state_label);
  BIND (kill_button);
  BIND (again_button);
  BIND (settings);
  BIND (running_switch);
  BIND (log_model);
  BIND (log_list);
  gtk_widget_class_bind_template_callback (widget_class, pressed_cb);
  gtk_widget_class_bind_template_callback (widget_class, log_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, setup_row_cb);
  gtk_widget_class_bind_template_callback (widget_class, bind_row_cb);
  gtk_widget_class_bind_template_callback (widget_class, unbind_row_cb);
  gtk_widget_class_install_action (widget_class, "object.step", NULL, step);
  gtk_widget_class_install_action (widget_class, "object.reset", NULL, reset);
  gtk_widget_class_install_action (widget_class, "object.add-source", NULL, add_source);
  gtk_widget_class_install_action (widget_class, "object.kill", NULL, kill_worker);
  gtk_widget_class_install_action (widget_class, "object.start", NULL, start);
}

static void
ferry_demo_object_page_init (FerryDemoObjectPage *self)
{
  g_autoptr (GdkPaintable) nothing = gdk_paintable_new_empty (FERRY_DEMO_HEAT_WIDTH, FERRY_DEMO_HEAT_HEIGHT);

  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < N_SETTINGS; i++)
    add_setting (self, i);
  /* So that nothing moves when the first picture comes. */
  gtk_picture_set_paintable (self->plate, nothing);
}

GtkWidget *
ferry_demo_object_page_new (FerryDemoSession *session)
{
  FerryDemoObjectPage *self = g_object_new (FERRY_DEMO_TYPE_OBJECT_PAGE, NULL);

  self->router = g_object_ref (ferry_demo_session_get_router (session));
  self->launcher = ferry_demo_launcher_new (ferry_demo_session_get_worker_path (session), FERRY_DEMO_HEAT_ARGUMENT);
  g_object_set (self->launcher, "name", FERRY_DEMO_HEAT_OBJECT, NULL);
  g_signal_connect_object (session, "stopping", G_CALLBACK (stop), self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
