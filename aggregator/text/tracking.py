"""The query parameters that say how a reader came, and not what they read: everywhere, and on single hosts.

As of 2026-11-27. Sources: what at least two of three public lists have, which are the global rules of ClearURLs
(`data.min.json` of ClearURLs/Rules), `brave-lists/clean-urls.json` of brave/adblock-lists and `urlcleaner.go` of
miniflux; what the tools of single senders put into links; for single hosts, the rules of ClearURLs and Brave.

A row is here only if it is certain: two different pages must never get one key. So what names a page on some host isn't
here for all: `ref`, `source`, `id`, `p`, `q`, `cid`, `campaign_id`, `share`, `trk`. `at_*` is not either, as a name
that begins so may be about a time or a place: AT Internet's own names are listed. Names are as for `fnmatch`, in any
case.
"""

from __future__ import annotations

TRACKING: tuple[str, ...] = (
    "utm_*",  # Google Analytics, and everyone after it
    "ga_*",
    "mtm_*",  # Matomo
    "pk_*",
    "piwik_*",
    "hsa_*",  # HubSpot
    "_hsenc",
    "_hsmi",
    "__hssc",
    "__hstc",
    "__hsfp",
    "hsctatracking",
    "fbclid",  # Facebook, Instagram
    "fb_action_ids",
    "fb_action_types",
    "fb_ref",
    "fb_source",
    "fb_comment_id",
    "action_object_map",
    "action_ref_map",
    "action_type_map",
    "igshid",
    "igsh",
    "gclid",  # Google Ads
    "gclsrc",
    "gbraid",
    "wbraid",
    "dclid",
    "_ga",
    "_gl",
    "msclkid",  # Microsoft
    "ocid",
    "wt.mc_id",
    "yclid",  # Yandex
    "_openstat",
    "ysclid",
    "twclid",  # X
    "ttclid",  # TikTok
    "li_fat_id",  # LinkedIn
    "mc_cid",  # Mailchimp
    "mc_eid",
    "mc_tc",
    "mkt_tok",  # Marketo
    "vero_id",
    "vero_conv",
    "ck_subscriber_id",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "s_cid",  # Adobe
    "s_campaign",
    "wickedid",
    "srsltid",  # Google Merchant Center
    "gad_source",
    "gad_campaignid",
    "guccounter",  # Yahoo
    "guce_referrer*",
    "xtor",  # AT Internet
    "at_campaign",
    "at_campaign_type",
    "at_channel",
    "at_creation",
    "at_custom*",
    "at_detail_placement",
    "at_emailtype",
    "at_format",
    "at_general_placement",
    "at_identifier",
    "at_link",
    "at_link_id",
    "at_link_origin",
    "at_link_type",
    "at_medium",
    "at_network",
    "at_platform",
    "at_ptr_name",
    "at_recipient_id",
    "at_recipient_list",
    "at_send_date",
    "at_term",
    "at_type",
    "at_variant",
    "wt_mc",  # Webtrekk
    "wt_zmc",
    "ef_id",  # Adobe
    "s_kwcid",
    "epik",  # Pinterest
    "rdt_cid",  # Reddit
    "sccid",  # Snapchat
    "tblci",  # Taboola
    "dicbo",  # Outbrain
    "bsft_*",  # Blueshift
    "ml_subscriber",  # MailerLite
    "ml_subscriber_hash",
    "_branch_match_id",
    "_branch_referrer",
    "__twitter_impression",
    "amp_js_v",  # viewers of AMP pages
    "amp_gsa",
    "usqp",
    "itm_*",  # links inside a site
    "otm_*",
    "cmpid",  # Adobe, and others
    "cm_mmc*",  # IBM Coremetrics
    "elq*",  # Oracle Eloqua
    "hmb_*",  # Humble Bundle
    "spm",  # Alibaba
    "__s",  # Drip
    "_bhlid",  # beehiiv
)
"""Those that go from every address."""

MEDIUM = (
    ".medium.com",
    "towardsdatascience.com",
    "betterprogramming.pub",
    ".gitconnected.com",
    ".plainenglish.io",
    "itnext.io",
    "uxdesign.cc",
    "netflixtechblog.com",
)
STACK_EXCHANGE = (".stackoverflow.com", "superuser.com", "serverfault.com", "askubuntu.com", ".stackexchange.com")

BY_HOST: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    ((".youtube.com", "youtu.be"), ("si", "feature", "app", "ab_channel", "pp")),
    (("vimeo.com",), ("share", "fl", "fe")),
    (("x.com",), ("s", "t", "ref_src", "ref_url", "cxt", "twcamp*", "twterm*", "twgr*")),
    (
        (".facebook.com",),
        (
            "mibextid",
            "__tn__",
            "__xts__*",
            "__cft__*",
            "ref",
            "refid",
            "refsrc",
            "hrc",
            "_rdr",
            "_rdc",
            "rdid",
            "paipv",
        ),
    ),
    ((".instagram.com",), ("ig_rid", "ig_mid")),
    ((".tiktok.com",), ("_r", "_t", "is_from_webapp", "is_copy_url", "sender_*", "share_*", "web_id")),
    ((".reddit.com",), ("share_id", "rdt", "ref", "ref_campaign", "ref_source", "ref_share", "correlation_id")),
    (
        (".linkedin.com",),
        ("trk", "trkinfo", "trkemail", "trackingid", "refid", "lipi", "lici", "rcm", "midtoken", "midsig", "otptoken"),
    ),
    ((".pinterest.com",), ("invite_code", "sender")),
    ((".spotify.com", ".soundcloud.com"), ("si",)),
    (MEDIUM, ("source", "sk", "gi")),
    ((".substack.com",), ("r", "s", "showwelcome*", "triedredirect", "isfreemail", "publication_id", "post_id")),
    ((".wikipedia.org", ".wikimedia.org"), ("wprov",)),
    (STACK_EXCHANGE, ("noredirect", "lq", "rq")),
    ((".bbc.com", ".bbc.co.uk"), ("at_*", "ns_*", "intlink_from_url", "link_location")),
    (("theguardian.com",), ("cmp", "cmp_*", "intcmp")),
    (
        (".nytimes.com",),
        ("smid", "smtyp", "smprod", "partner", "emc", "referringsource", "unlocked_article_code", "instance_id"),
    ),
    ((".washingtonpost.com",), ("itid", "tid", "wpisrc", "wpmm", "pwapi_token", "hpid")),
    ((".wsj.com", ".marketwatch.com", ".barrons.com"), ("mod", "reflink", "st")),
    ((".bloomberg.com",), ("srnd", "sref", "leadsource", "in_source", "embedded-checkout", "accesstoken")),
    ((".reuters.com",), ("taid", "feedtype", "feedname")),
    ((".cnn.com",), ("hpt", "iid", "iref", "eref")),
    ((".forbes.com",), ("sh", "ss")),
    ((".ft.com",), ("ftcamp", "segmentid", "sharetype", "accesstoken")),
    ((".economist.com",), ("fsrc", "frsc")),
    ((".zdnet.com", ".cnet.com", ".techrepublic.com", ".cbsnews.com"), ("ftag",)),
    ((".techcrunch.com",), ("tpcc", "ncid", "sr", "sr_share")),
    ((".yahoo.com",), (".tsrc", "soc_src", "soc_trk", "ncid")),
    ((".npr.org",), ("ft", "f")),
    ((".cnbc.com",), ("__source",)),
    ((".wired.com", ".wired.co.uk"), ("intcid",)),
    ((".fastcompany.com",), ("partner",)),
    ((".darkreading.com",), ("_mc", "cid")),
    ((".dailymail.co.uk", ".dailymail.com"), ("mid",)),
)
"""Those that go on single hosts; with a dot in front, on all below one too. None is written with `www.`."""
