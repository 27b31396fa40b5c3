package testdata_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/testdata"
)

func TestFixture(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, testdata.Names())
	for _, name := range testdata.Names() {
		require.True(t, json.Valid(testdata.Fixture(name)), name)
	}
	testdata.Fixture("obd")[0] = 'x'
	require.True(t, json.Valid(testdata.Fixture("obd")), "a fixture belongs to its caller")
	require.PanicsWithValue(t, "testdata: no fixture sms; there are c2c, cdr, obd, rcs_in_text, rcs_status, sms_status, sms_unsubscription, viber_in_text, viber_status, "+
		"vmn_in_text, webhook_state, whatsapp_in_2021, whatsapp_in_audio, whatsapp_in_button_reply, whatsapp_in_contacts, whatsapp_in_document, "+
		"whatsapp_in_image, whatsapp_in_list_reply, whatsapp_in_location, whatsapp_in_sticker, whatsapp_in_text, "+
		"whatsapp_in_video, whatsapp_status, whatsapp_unsubscription", func() { testdata.Fixture("sms") })
}
