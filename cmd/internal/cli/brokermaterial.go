package cli

import "github.com/mqttpki/mqttpki/channels/broker"

// brokerMaterial is the deployment as the bundled broker takes it.
func (x *deployment) brokerMaterial() broker.Material {
	m := broker.Material{Identity: x.server, Users: x.users}
	for _, t := range x.trust {
		var crls []broker.CRLFile
		for _, c := range t.crls {
			crls = append(crls, broker.CRLFile{Name: c.path, Data: c.data})
		}
		m.Trust = append(m.Trust, broker.TrustMaterial{Anchors: append(t.anchors, t.intermediates...), CRLs: crls})
	}
	return m
}
